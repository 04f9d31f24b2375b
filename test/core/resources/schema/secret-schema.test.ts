import t from 'tap';
import { oauthFields, secretValue } from '../../../../core/resources/schema/secret-schema.ts';

const naming = { kind: 'Trigger', secretName: 'mailer', client: 'mailer' };

t.test('a value of a Secret has a usual key, and says whose namespace it is in', async (t) => {
  const { properties, required } = secretValue(naming, 'A password.', 'password');
  t.strictSame(required, ['secretName']);
  t.match(properties.key, { default: 'password' });
  t.match(properties.secretName, { description: /namespace of the Trigger/ });
});

t.test(
  'an OAuth client has what its rules ask for, and nothing of it is required by the schema',
  async (t) => {
    const fields = oauthFields(naming);
    t.strictSame(Object.keys(fields).sort(), [
      'ca',
      'clientAssertion',
      'clientId',
      'clientSecret',
      'scope',
      'tokenEndpoint',
    ]);
    t.match(fields.clientAssertion.properties.serviceAccountName, { example: 'mailer' });
  },
);
