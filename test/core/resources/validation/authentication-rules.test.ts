import t from 'tap';
import {
  authenticationRules,
  oauthFieldNames,
  typesWith,
} from '../../../../core/resources/validation/authentication-rules.ts';
import { pathText } from '../../../../core/contract/path.ts';
import { triggerWording } from '../../../../core/resources/validation/wording.ts';

const fieldsOfType = {
  plain: { required: ['username'], optional: [] },
  scram: { required: ['username'], optional: ['audience'] },
  oauthbearer: oauthFieldNames,
};
const rules = {
  at: ['spec', 'authentication'],
  fieldsOfType,
  examples: { username: 'orders', tokenEndpoint: 'https://sso/token' },
  wording: triggerWording,
};

function mistakesIn(authentication: unknown): string[] {
  return authenticationRules({ spec: { authentication } }, rules).map(
    ({ at, message, remedy }) => `${pathText(at)}: ${message}. ${remedy}`,
  );
}

t.test('a field is of the types that have it', async (t) => {
  t.strictSame(typesWith(fieldsOfType, 'username'), ['plain', 'scram']);
  t.strictSame(typesWith(fieldsOfType, 'audience'), ['scram', 'oauthbearer']);
  t.strictSame(typesWith(fieldsOfType, 'type'), []);
});

t.test('a type has all that it asks for, and nothing of another', async (t) => {
  t.strictSame(mistakesIn({ type: 'plain', username: 'a' }), []);
  t.strictSame(mistakesIn({ type: 'plain', audience: 'b' }), [
    'spec.authentication.username: is missing: type plain requires it. Write `username: orders`.',
    'spec.authentication.audience: has no meaning with type plain. Leave it out. It belongs to type scram or oauthbearer.',
  ]);
});

t.test('what the schema refuses is not validated twice', async (t) => {
  for (const authentication of [undefined, 'plain', { username: 'a' }, { type: 'toString' }, { type: 7 }])
    t.strictSame(mistakesIn(authentication), []);
  t.strictSame(mistakesIn({ type: 'plain', username: 'a', user: 'b' }), []);
});

t.test('an OAuth client is proved once, by a secret that has an owner, or by an assertion', async (t) => {
  const oauth = { type: 'oauthbearer', tokenEndpoint: 'https://sso/token' };
  const clientSecret = { secretName: 'orders' };
  const clientAssertion = { serviceAccountName: 'orders', audience: 'sso' };
  t.strictSame(mistakesIn({ ...oauth, clientId: 'a', clientSecret }), []);
  t.strictSame(mistakesIn({ ...oauth, clientAssertion }), []);
  t.match(mistakesIn(oauth), [/^spec\.authentication: must have exactly one of .* has none of them/]);
  t.match(mistakesIn({ ...oauth, clientSecret, clientAssertion }), [/has both\. Write `clientSecret: /]);
  t.match(mistakesIn({ ...oauth, clientSecret }), [/\.clientId: is missing: .* Write `clientId: orders`/]);
});
