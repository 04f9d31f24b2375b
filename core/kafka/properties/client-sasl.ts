// The `sasl.…` properties of a Kafka client: who it says that it is. What stands in `sasl.jaas.config` is never repeated.
import { loginOf, loginProperty, remedyFor } from './client-login.ts';
import { oauthOf } from './client-oauth.ts';
import type { GivenProperties } from './given-properties.ts';
import type { PasswordMechanism, SaslCredentials } from '../../contract/kafka-access.ts';
import { nearest } from '../../contract/nearest-name.ts';
import { show } from '../../contract/manifest-problem.ts';

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'];

/** Undefined where a mistake is told, or a file is not known yet. */
export function saslOf(properties: GivenProperties): SaslCredentials | undefined {
  judgeCallbacks(properties);
  const mechanism = properties.text('sasl.mechanism');
  switch (mechanism) {
    case 'PLAIN':
      return passwordOf(properties, 'plain', 'PlainLoginModule');
    case 'SCRAM-SHA-256':
      return passwordOf(properties, 'scram-sha-256', 'ScramLoginModule');
    case 'SCRAM-SHA-512':
      return passwordOf(properties, 'scram-sha-512', 'ScramLoginModule');
    case 'OAUTHBEARER':
      return oauthOf(properties);
    default:
      wrongMechanism(properties, mechanism);
      return undefined;
  }
}

function wrongMechanism(properties: GivenProperties, mechanism = 'GSSAPI'): void {
  const meant = nearest(mechanism, mechanisms);
  properties.wrong(
    'sasl.mechanism',
    properties.text('sasl.mechanism') === undefined
      ? 'is missing, which means GSSAPI (Kerberos) to a Kafka client, and Millrace does not speak that'
      : `names a mechanism that Millrace does not speak, is ${show(mechanism)}`,
    meant === undefined ? `Write one of ${mechanisms.join(', ')}.` : `Did you mean ${meant}?`,
  );
}

function judgeCallbacks(properties: GivenProperties): void {
  const name = 'sasl.login.callback.handler.class';
  const callbacks = properties.text(name);
  if (callbacks !== undefined && !callbacks.endsWith('.OAuthBearerLoginCallbackHandler'))
    properties.wrong(
      name,
      'names a Java class that logs in in its own way',
      'Remove the line, and write what the mechanism needs: Java classes are not loaded.',
    );
}

function passwordOf(
  properties: GivenProperties,
  mechanism: PasswordMechanism,
  module: 'PlainLoginModule' | 'ScramLoginModule',
): SaslCredentials | undefined {
  const [bound, secret] = [properties.text('username'), properties.text('password')];
  if (bound !== undefined && secret !== undefined) return { mechanism, username: bound, password: secret };
  const options = loginOf(properties, module);
  if (options === undefined) return undefined;
  const [username, password] = [options.get('username'), options.get('password')];
  if (options.get('tokenauth') === 'true')
    properties.wrong(
      loginProperty,
      'logs in by a delegation token, which Millrace does not',
      'Name a user and a password, without tokenauth.',
    );
  if (username && password) return { mechanism, username, password };
  properties.wrong(loginProperty, `has no \`${username ? 'password' : 'username'}\``, remedyFor(module));
  return undefined;
}
