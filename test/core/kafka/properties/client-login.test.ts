import t from 'tap';
import { loginOf } from '../../../../core/kafka/properties/client-login.ts';
import { GivenProperties } from '../../../../core/kafka/properties/given-properties.ts';
import { login } from './client-properties-text.ts';

const given = (value: string | undefined): GivenProperties =>
  new GivenProperties(
    value === undefined
      ? new Map()
      : new Map([['sasl.jaas.config', { value, writtenAs: 'sasl.jaas.config' }]]),
    'unread',
  );

t.test('the options of the module that is wanted', async (t) => {
  const properties = given(login('plain.PlainLoginModule', 'username="alice"'));
  t.strictSame(loginOf(properties, 'PlainLoginModule'), new Map([['username', 'alice']]));
  t.strictSame(properties.mistakes, []);
});

for (const [name, value, message] of [
  ['is missing', undefined, 'is missing'],
  ['is empty', '', 'is missing'],
  ['cannot be read', 's3cret', 'has no `required` after the login module'],
  [
    'has another module',
    login('scram.ScramLoginModule', 'password="s3cret"'),
    'has another login module than PlainLoginModule, which this sasl.mechanism needs',
  ],
] as const) {
  t.test(`a login that ${name}`, async (t) => {
    const properties = given(value);
    t.equal(loginOf(properties, 'PlainLoginModule'), undefined);
    t.match(properties.mistakes, [{ path: 'sasl.jaas.config', message, remedy: /\S/ }]);
    t.notMatch(JSON.stringify(properties.mistakes), 's3cret');
  });
}

t.test('what to write is told for each module', async (t) => {
  for (const [module, form] of [
    ['PlainLoginModule', 'plain.PlainLoginModule required username="…" password="…";'],
    ['ScramLoginModule', 'scram.ScramLoginModule required username="…" password="…";'],
    ['OAuthBearerLoginModule', 'oauthbearer.OAuthBearerLoginModule required clientId="…" clientSecret="…";'],
  ] as const) {
    const properties = given(undefined);
    loginOf(properties, module);
    const remedy = `Write \`sasl.jaas.config=org.apache.kafka.common.security.${form}\`.`;
    t.match(properties.mistakes, [{ remedy }]);
  }
});
