// Access → credentials: reads what a KafkaCluster refers to, and tells what is not there or is not what it should be before a broker
// has to.
import { createSecureContext } from 'node:tls';
import { MillraceError } from '../contract/errors.ts';
import type {
  Authentication,
  Credentials,
  KafkaAccess,
  SaslCredentials,
  SecretValue,
  TlsCredentials,
} from '../contract/kafka-access.ts';
import type { SecretReader } from '../contract/secrets.ts';

/** Rejects with MILLRACE_CREDENTIALS_UNUSABLE, or as `secrets` does. */
export async function readCredentials(access: KafkaAccess, secrets: SecretReader): Promise<Credentials> {
  const read = createRead(access.namespace, secrets);
  const [tls, sasl] = await Promise.all([readTls(access, read), readSasl(access, read, secrets)]);
  const credentials = { tls, sasl };
  checkTls(credentials, `the KafkaCluster of ${access.brokers.join(',')} in namespace ${access.namespace}`);
  return credentials;
}

/** Throws MILLRACE_CREDENTIALS_UNUSABLE where no TLS connection can be made of what `whose` says. */
export function checkTls({ tls, sasl }: Credentials, whose: string): void {
  if (tls?.certificate !== undefined || tls?.ca !== undefined) checkContext(tls, whose);
  if (sasl?.mechanism === 'oauthbearer' && sasl.ca !== undefined)
    checkContext({ ca: sasl.ca, verifyHostname: true }, whose);
}

function checkContext({ ca, certificate, key, keyPassword }: TlsCredentials, whose: string): void {
  try {
    createSecureContext({ ca, cert: certificate, key, passphrase: keyPassword });
  } catch (error) {
    // OpenSSL tells what is wrong, never what was given to it.
    const message = `the certificates of ${whose} are not what they should be: ${(error as Error).message}`;
    throw new MillraceError('MILLRACE_CREDENTIALS_UNUSABLE', message);
  }
}

/** `field` says where the value is named. */
type Read = (value: SecretValue, field: string, isPem?: 'pem') => Promise<string>;

function createRead(namespace: string, secrets: SecretReader): Read {
  const reads = new Map<string, ReturnType<SecretReader['read']>>();
  return async ({ secretName, key }, field, isPem) => {
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
    if (isPem !== undefined && !text.includes('-----BEGIN '))
      throw unusable(`${place} has no PEM under ${key}: no line begins with -----BEGIN`);
    return text;
  };
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
    ...(ca === undefined ? {} : { ca: await read(ca, 'tls.ca', 'pem') }),
    ...own,
  };
}

async function readCertificate(
  { certificate, key, keyPassword }: Authentication & { type: 'tls' },
  read: Read,
): Promise<Pick<TlsCredentials, 'certificate' | 'key' | 'keyPassword'>> {
  return {
    certificate: await read(certificate, 'authentication.certificate', 'pem'),
    key: await read(key, 'authentication.key', 'pem'),
    ...(keyPassword === undefined
      ? {}
      : { keyPassword: await read(keyPassword, 'authentication.keyPassword') }),
  };
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
        ...(ca === undefined ? {} : { ca: await read(ca, 'authentication.ca', 'pem') }),
      };
    }
  }
}
