// Turns a Secret of the type servicebinding.io/kafka (https://servicebinding.io), as Strimzi's Access Operator writes it, into the spec of a
// KafkaCluster. Passwords, keys and certificates are not copied: the spec refers to them by their keys in the Secret. Pure.
import { parseServiceBinding, type CredentialsVerdict } from '../../kafka/properties/client-properties.ts';
import { maxClusterBytes } from '../../resources/kafka-cluster.ts';
import { findExcess } from '../../resources/validation/size-limit.ts';
import type { Resolution } from '../../resources/cluster-resolution.ts';
import type { Credentials, SecretValue } from '../../contract/kafka-access.ts';
import { invalid, type Problem } from '../../contract/manifest-problem.ts';

/** `values` is undefined if the Secret does not exist. */
export function resolveBinding(
  secretName: string,
  namespace: string,
  values: ReadonlyMap<string, Buffer> | undefined,
): Resolution {
  if (values === undefined)
    return unresolvedBinding(
      `names no Secret of namespace ${namespace}, is "${secretName}"`,
      'Create it there. Millrace continues by itself.',
    );
  const texts = Object.fromEntries([...values].map(([key, value]) => [key, value.toString('utf8')]));
  const verdict = parseServiceBinding(texts);
  if (verdict.kind === 'wrong') return wrong(secretName, verdict.mistakes);
  // A binding names no files, so the credentials cannot be wrong here.
  const { credentials } = verdict.properties.credentials(new Map()) as CredentialsVerdict & { kind: 'right' };
  const keyed = (...keys: readonly string[]): SecretValue | undefined => {
    const key = keys.find((one) => values.has(one));
    return key === undefined ? undefined : { secretName, key };
  };
  const authentication = authenticationOf(credentials, keyed);
  if (authentication === 'by hand')
    return unresolvedBinding(
      `names the Secret ${secretName}, whose credentials are not under keys of their own`,
      'Write `username` and `password` into it, or bootstrapServers, tls and authentication instead of binding.',
    );
  // parseServiceBinding requires bootstrap servers.
  const bootstrapServers = [verdict.properties.brokers].flat().join();
  const tls = tlsOf(credentials, keyed);
  const spec = { bootstrapServers, ...tls, ...authentication };
  const excess = findExcess({ spec }, ['spec'], maxClusterBytes);
  if (excess === undefined) return { kind: 'found', spec };
  return unresolvedBinding(
    `names the Secret ${secretName}, whose addresses and user ${excess.message}`,
    excess.remedy,
  );
}

export function unresolvedBinding(message: string, remedy: string): Resolution {
  return { kind: 'missing', mistake: invalid(['spec', 'binding', 'secretName'], 'value', message, remedy) };
}

type Keyed = (...keys: readonly string[]) => SecretValue | undefined;

function tlsOf({ tls }: Credentials, keyed: Keyed): { readonly tls?: object } {
  if (tls === undefined) return {};
  const ca = tls.ca === undefined ? undefined : keyed('ssl.truststore.certificates', 'ssl.truststore.crt');
  return { tls: { verifyHostname: tls.verifyHostname, ...(ca === undefined ? {} : { ca }) } };
}

function authenticationOf(
  { tls, sasl }: Credentials,
  keyed: Keyed,
): { readonly authentication?: object } | 'by hand' {
  if (sasl === undefined)
    return tls?.certificate === undefined ? {} : { authentication: certificateOf(tls, keyed) };
  const password = keyed('password');
  if (sasl.mechanism === 'oauthbearer' || password === undefined) return 'by hand';
  return { authentication: { type: sasl.mechanism, username: sasl.username, password } };
}

function certificateOf({ keyPassword }: { readonly keyPassword?: string | undefined }, keyed: Keyed): object {
  return {
    type: 'tls',
    certificate: keyed('ssl.keystore.certificate.chain', 'ssl.keystore.crt'),
    key: keyed('ssl.keystore.key'),
    ...(keyPassword === undefined ? {} : { keyPassword: keyed('ssl.key.password') }),
  };
}

function wrong(secretName: string, mistakes: readonly Problem[]): Resolution {
  const all = mistakes.map(({ path, message }) => `${path} ${message}`).join('; ');
  const remedies = mistakes.map(({ remedy }) => remedy).join(' ');
  return unresolvedBinding(`names the Secret ${secretName}, which is no binding for Kafka: ${all}`, remedies);
}
