// Reads the Secrets that manifests name, and validates their values: passwords, certificates, keys, OAuth clients.
// An error names the Secret, the key and the field that refers to them, before any peer is asked.
import { MillraceError } from '../contract/errors.ts';
import type { OauthAuthentication, OauthCredentials, SecretValue } from '../contract/kafka-access.ts';
import { belongTogether, certificatesIn, privateKeyIn, type PemVerdict } from './pem.ts';
import type { SecretReader } from '../contract/secret-reader.ts';

/** Where the values are, and who names them. */
export interface SecretPlace {
  readonly namespace: string;
  /** In words, such as `the KafkaCluster`. */
  readonly namedBy: string;
  readonly secrets: SecretReader;
}

/** `field` is where the manifest names the value; `validate` checks it. Rejects with MILLRACE_CREDENTIALS_UNUSABLE, or as `secrets` does. */
export type ReadSecret = (
  value: SecretValue,
  field: string,
  validate?: (text: string) => PemVerdict,
) => Promise<string>;

/** Reads each Secret only once, however many of its values are requested. */
export function createReadSecret({ namespace, namedBy, secrets }: SecretPlace): ReadSecret {
  const reads = new Map<string, ReturnType<SecretReader['read']>>();
  return async ({ secretName, key }, field, validate) => {
    let reading = reads.get(secretName);
    if (reading === undefined) reads.set(secretName, (reading = secrets.read(namespace, secretName)));
    const values = await reading;
    const place = `the Secret ${secretName} of namespace ${namespace}, which ${namedBy} names as ${field},`;
    if (values === undefined) throw unusable(`${place} does not exist`);
    const value = values.get(key);
    if (value === undefined) {
      const keys = values.size === 0 ? 'it is empty' : `it has ${[...values.keys()].join(', ')}`;
      throw unusable(`${place} has no key ${key}: ${keys}`);
    }
    // `echo` adds a newline that is not part of the value.
    const text = value.toString('utf8').replace(/\r?\n$/, '');
    if (text === '') throw unusable(`${place} has an empty value under ${key}`);
    const whole = key === 'ca.crt' ? [text, ...formerAuthorities(values)].join('\n') : text;
    const verdict = validate?.(whole) ?? { kind: 'right', pem: whole };
    if (verdict.kind === 'wrong') throw unusable(`${place} ${verdict.message} under ${key}`);
    return verdict.pem;
  };
}

/**
 * While brokers still have certificates of a replaced CA, Strimzi keeps that CA beside `ca.crt`
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

/** Where a certificate, its key and the password of the key are. */
export interface CertificateValues {
  readonly certificate: SecretValue;
  readonly key: SecretValue;
  readonly keyPassword?: SecretValue | undefined;
}

/** All PEM. */
export interface OwnCertificate {
  readonly certificate: string;
  readonly key: string;
  readonly keyPassword?: string;
}

/** `at`: the field that contains the values. */
export async function readCertificate(
  { certificate: certificateAt, key: keyAt, keyPassword: passwordAt }: CertificateValues,
  at: string,
  read: ReadSecret,
): Promise<OwnCertificate> {
  const keyPassword = passwordAt && (await read(passwordAt, `${at}.keyPassword`));
  const certificate = await read(certificateAt, `${at}.certificate`, certificatesIn);
  const key = await read(keyAt, `${at}.key`, (text) => privateKeyIn(text, keyPassword));
  if (!belongTogether(certificate, key, keyPassword)) {
    const places = `${keyAt.key} of the Secret ${keyAt.secretName} is not the key of ${certificateAt.key} of ${certificateAt.secretName}`;
    throw unusable(`${places}: the certificate of the key must come first, then those of the CAs`);
  }
  return { certificate, key, ...(keyPassword === undefined ? {} : { keyPassword }) };
}

/** `at`: the field of `authentication`. */
export async function readOauth(
  authentication: OauthAuthentication,
  at: string,
  read: ReadSecret,
  { namespace, secrets }: SecretPlace,
): Promise<OauthCredentials> {
  const { type: mechanism, clientSecret, clientAssertion, ca, ...settings } = authentication;
  return {
    mechanism,
    ...settings,
    ...(clientSecret === undefined ? {} : { clientSecret: await read(clientSecret, `${at}.clientSecret`) }),
    ...(clientAssertion === undefined
      ? {}
      : { clientAssertion: await secrets.serviceAccountToken(namespace, clientAssertion) }),
    ...(ca === undefined ? {} : { ca: await read(ca, `${at}.ca`, certificatesIn) }),
  };
}
