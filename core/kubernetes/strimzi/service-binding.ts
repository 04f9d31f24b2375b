// A Secret of the type servicebinding.io/kafka (https://servicebinding.io), as Strimzi's Access Operator writes it → what a KafkaCluster says in
// words of its own. What is secret stays in it: it is named by its keys.
import { parseServiceBinding, type CredentialsVerdict } from '../../kafka/properties/client-properties.ts';
import type { Resolution } from '../../resources/cluster-resolution.ts';
import type { Credentials, SecretValue } from '../../contract/kafka-access.ts';
import { invalid, type Problem } from '../../contract/problem.ts';

/** `values` is undefined where there is no such Secret. */
export function resolveBinding(
  secretName: string,
  namespace: string,
  values: ReadonlyMap<string, Buffer> | undefined,
): Resolution {
  if (values === undefined)
    return lackingBinding(
      `names no Secret of namespace ${namespace}, is "${secretName}"`,
      'Make it there. It goes on by itself.',
    );
  const texts = Object.fromEntries([...values].map(([key, value]) => [key, value.toString('utf8')]));
  const verdict = parseServiceBinding(texts);
  if (verdict.kind === 'wrong') return wrong(secretName, verdict.mistakes);
  // A binding names no files: nothing is left to be wrong.
  const { credentials } = verdict.properties.credentials(new Map()) as CredentialsVerdict & { kind: 'right' };
  const keyed = (...keys: readonly string[]): SecretValue | undefined => {
    const key = keys.find((one) => values.has(one));
    return key === undefined ? undefined : { secretName, key };
  };
  const authentication = authenticationOf(credentials, keyed);
  if (authentication === 'by hand')
    return lackingBinding(
      `names the Secret ${secretName}, whose credentials are not under keys of their own`,
      'Write `username` and `password` into it, or bootstrapServers, tls and authentication instead of binding.',
    );
  // A binding without them is none.
  const bootstrapServers = [verdict.properties.brokers].flat().join();
  const tls = tlsOf(credentials, keyed);
  return { kind: 'found', spec: { bootstrapServers, ...tls, ...authentication } };
}

export function lackingBinding(message: string, remedy: string): Resolution {
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
  return lackingBinding(`names the Secret ${secretName}, which is no binding for Kafka: ${all}`, remedies);
}
