// Access → credentials: reads what a KafkaCluster refers to, and tells what is not there or is not what it should be before a broker
// has to.
import { MillraceError } from '../contract/errors.ts';
import type {
  Authentication,
  Credentials,
  KafkaAccess,
  SaslCredentials,
  SecretValue,
  TlsCredentials,
} from '../contract/kafka-access.ts';
import { belongTogether, certificatesIn, privateKeyIn, type PemVerdict } from '../contract/pem.ts';
import type { SecretReader } from '../contract/secrets.ts';

/** Rejects with MILLRACE_CREDENTIALS_UNUSABLE, or as `secrets` does. */
export async function readCredentials(access: KafkaAccess, secrets: SecretReader): Promise<Credentials> {
  const read = createRead(access.namespace, secrets);
  const [tls, sasl] = await Promise.all([readTls(access, read), readSasl(access, read, secrets)]);
  return { tls, sasl };
}

/** `field` says where the value is named, `judge` what is wrong with it. */
type Read = (value: SecretValue, field: string, judge?: (text: string) => PemVerdict) => Promise<string>;

function createRead(namespace: string, secrets: SecretReader): Read {
  const reads = new Map<string, ReturnType<SecretReader['read']>>();
  return async ({ secretName, key }, field, judge) => {
    let reading = reads.get(secretName);
    if (reading === undefined) reads.set(secretName, (reading = secrets.read(namespace, secretName)));
    const values = await reading;
    const place = `the Secret ${secretName} of namespace ${namespace}, which the KafkaCluster names as ${field},`;
    if (values === undefined) throw unusable(`${place} is not there`);
    const value = values.get(key);
    if (value === undefined) {
      const keys = values.size === 0 ? 'it is empty' : `it has ${[...values.keys()].join(', ')}`;
      throw unusable(`${place} has no key ${key}: ${keys}`);
    }
    // What was made by `echo` ends with a newline that is not meant.
    const text = value.toString('utf8').replace(/\r?\n$/, '');
    if (text === '') throw unusable(`${place} has nothing under ${key}`);
    const whole = key === 'ca.crt' ? [text, ...formerAuthorities(values)].join('\n') : text;
    const verdict = judge?.(whole) ?? { kind: 'right', pem: whole };
    if (verdict.kind === 'wrong') throw unusable(`${place} ${verdict.message} under ${key}`);
    return verdict.pem;
  };
}

/**
 * Strimzi keeps those that it replaces beside `ca.crt`, while there are still brokers with certificates of theirs
 * (https://strimzi.io/docs/operators/latest/deploying.html#proc-configuring-external-clients-to-trust-cluster-ca-str).
 */
function formerAuthorities(values: ReadonlyMap<string, Buffer>): string[] {
  return [...values]
    .filter(([key]) => /^ca-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z\.crt$/.test(key))
    .map(([, value]) => value.toString('utf8'));
}

function unusable(message: string): MillraceError {
  return new MillraceError('MILLRACE_CREDENTIALS_UNUSABLE', message);
}

async function readTls(
  { tls, authentication }: KafkaAccess,
  read: Read,
): Promise<TlsCredentials | undefined> {
  if (tls === undefined) return undefined;
  const { ca, verifyHostname } = tls;
  const own = authentication?.type === 'tls' ? await readCertificate(authentication, read) : {};
  return {
    verifyHostname,
    ...(ca === undefined ? {} : { ca: await read(ca, 'tls.ca', certificatesIn) }),
    ...own,
  };
}

async function readCertificate(
  { certificate: shown, key: kept, keyPassword: opens }: Authentication & { type: 'tls' },
  read: Read,
): Promise<Pick<TlsCredentials, 'certificate' | 'key' | 'keyPassword'>> {
  const keyPassword = opens && (await read(opens, 'authentication.keyPassword'));
  const certificate = await read(shown, 'authentication.certificate', certificatesIn);
  const key = await read(kept, 'authentication.key', (text) => privateKeyIn(text, keyPassword));
  if (!belongTogether(certificate, key, keyPassword)) {
    const places = `${kept.key} of the Secret ${kept.secretName} is not the key of ${shown.key} of ${shown.secretName}`;
    throw unusable(
      `${places}: the certificate of the key stands first, those that lead to an authority after it`,
    );
  }
  return { certificate, key, ...(keyPassword === undefined ? {} : { keyPassword }) };
}

async function readSasl(
  { authentication, namespace }: KafkaAccess,
  read: Read,
  secrets: SecretReader,
): Promise<SaslCredentials | undefined> {
  switch (authentication?.type) {
    case undefined:
    case 'tls':
      return undefined;
    case 'plain':
    case 'scram-sha-256':
    case 'scram-sha-512': {
      const { type: mechanism, username, password } = authentication;
      return { mechanism, username, password: await read(password, 'authentication.password') };
    }
    case 'oauthbearer': {
      const { type: mechanism, clientSecret, clientAssertion, ca, ...settings } = authentication;
      return {
        mechanism,
        ...settings,
        ...(clientSecret === undefined
          ? {}
          : { clientSecret: await read(clientSecret, 'authentication.clientSecret') }),
        ...(clientAssertion === undefined
          ? {}
          : { clientAssertion: await secrets.serviceAccountToken(namespace, clientAssertion) }),
        ...(ca === undefined ? {} : { ca: await read(ca, 'authentication.ca', certificatesIn) }),
      };
    }
  }
}
