// The `sasl.oauthbearer.…` properties of a Kafka client: where it gets its tokens, and by what right.
import { loginOf, loginProperty, remedyFor, type LoginOptions } from './client-login.ts';
import type { GivenProperties } from './given-properties.ts';
import type { OauthCredentials } from '../../contract/kafka-access.ts';
import { certificatesIn } from '../../credentials/pem.ts';
import { show } from '../../contract/manifest-problem.ts';
import { wrongExtension } from '../../credentials/sasl-extensions.ts';

const [endpoint, id, secret] = [
  'sasl.oauthbearer.token.endpoint.url',
  'sasl.oauthbearer.client.credentials.client.id',
  'sasl.oauthbearer.client.credentials.client.secret',
] as const;
const assertion = 'sasl.oauthbearer.assertion.file';
const extensionPrefix = 'extension_';

/**
 * A property of its own goes before the option of the login, and an assertion before a secret, as in Kafka (KIP-1139). Undefined where a
 * mistake is told.
 */
export function oauthOf(properties: GivenProperties): OauthCredentials | undefined {
  const isBare = properties.text(loginProperty) === undefined;
  const options = isBare ? new Map<string, string>() : loginOf(properties, 'OAuthBearerLoginModule');
  const tokenEndpoint = endpointOf(properties);
  if (options === undefined) return undefined;
  const clientId = properties.text(id) ?? options.get('clientId');
  const proof = proofOf(properties, options, clientId);
  const scope = properties.text('sasl.oauthbearer.scope') ?? options.get('scope');
  const extensions = extensionsOf(properties, options);
  const ca = authoritiesOf(properties, options);
  if (tokenEndpoint === undefined) return undefined;
  return { mechanism: 'oauthbearer', tokenEndpoint, clientId, ...proof, scope, extensions, ca };
}

function endpointOf(properties: GivenProperties): string | undefined {
  const url = properties.text(endpoint);
  if (url !== undefined && isEndpoint(url)) return url;
  properties.wrong(
    endpoint,
    url === undefined ? 'is missing' : 'must be an http or https URL without user, password or fragment',
    `Write where tokens are asked for: \`${endpoint}=https://…/token\`.`,
  );
  return undefined;
}

function isEndpoint(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return (
    url !== undefined && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.hash}` === ''
  );
}

function proofOf(
  properties: GivenProperties,
  options: LoginOptions,
  clientId: string | undefined,
): Pick<OauthCredentials, 'clientSecret' | 'clientAssertion'> {
  const path = properties.text(assertion);
  if (path !== undefined) {
    const clientAssertion = properties.file(assertion, path)?.trim();
    if (clientAssertion !== undefined && !/^[\w-]+(?:\.[\w-]+){2}$/.test(clientAssertion))
      properties.wrong(
        assertion,
        `names the file ${show(path)}, which is no signed JWT`,
        'Write the assertion alone into it.',
      );
    return { clientAssertion };
  }
  const clientSecret = properties.text(secret) ?? options.get('clientSecret');
  if (!clientId) properties.wrong(id, 'is missing', remedyFor('OAuthBearerLoginModule'));
  if (!clientSecret)
    properties.wrong(secret, 'is missing', `Write it, or name an assertion by \`${assertion}\`.`);
  return { clientSecret };
}

function extensionsOf(
  properties: GivenProperties,
  options: LoginOptions,
): Record<string, string> | undefined {
  const written = [...options].filter(([name]) => name.startsWith(extensionPrefix));
  if (written.length === 0) return undefined;
  const extensions = Object.fromEntries(
    written.map(([name, value]) => [name.slice(extensionPrefix.length), value]),
  );
  const message = wrongExtension(extensions);
  if (message !== undefined) properties.wrong(loginProperty, message, 'Correct the option, or remove it.');
  return extensions;
}

/** Towards the provider TLS is set up by options of the login, with the names of the properties (KIP-768). */
function authoritiesOf(properties: GivenProperties, options: LoginOptions): string | undefined {
  const path = options.get('ssl.truststore.location');
  const text =
    path === undefined ? options.get('ssl.truststore.certificates') : properties.file(loginProperty, path);
  if (text === undefined) return undefined;
  const verdict = certificatesIn(text);
  if (verdict.kind === 'right') return verdict.pem;
  properties.wrong(
    loginProperty,
    `has a truststore for the provider, which ${verdict.message}`,
    'Write PEM: `keytool -list -rfc -keystore truststore.jks > truststore.pem` makes it of another store.',
  );
  return undefined;
}
