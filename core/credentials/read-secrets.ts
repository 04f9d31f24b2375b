// What manifests refer to → what it is: the values of Secrets, and what they make together. What is not there, or is not what it should be,
// is told by its place before a peer has to.
import { MillraceError } from '../contract/errors.ts';
import type { OauthAuthentication, OauthCredentials, SecretValue } from '../contract/kafka-access.ts';
import { belongTogether, certificatesIn, privateKeyIn, type PemVerdict } from './pem.ts';
import type { SecretReader } from '../contract/secret-reader.ts';

/** Who names the values, and where they are. */
export interface SecretPlace {
  readonly namespace: string;
  /** `the KafkaCluster`. */
  readonly namedBy: string;
  readonly secrets: SecretReader;
}

/**
 * `field` says where the value is named, `judge` what is wrong with it. Rejects with MILLRACE_CREDENTIALS_UNUSABLE, or as `secrets`
 * does.
 */
export type ReadSecret = (
  value: SecretValue,
  field: string,
  judge?: (text: string) => PemVerdict,
) => Promise<string>;

/** Each Secret is read once, however many of its values are asked for. */
export function createReadSecret({ namespace, namedBy, secrets }: SecretPlace): ReadSecret {
  const reads = new Map<string, ReturnType<SecretReader['read']>>();
  return async ({ secretName, key }, field, judge) => {
    let reading = reads.get(secretName);
    if (reading === undefined) reads.set(secretName, (reading = secrets.read(namespace, secretName)));
    const values = await reading;
    const place = `the Secret ${secretName} of namespace ${namespace}, which ${namedBy} names as ${field},`;
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

/** Where a certificate is, its key, and what opens that. */
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

/** `at`: the field that the values are fields of. */
export async function readCertificate(
  { certificate: shown, key: kept, keyPassword: opens }: CertificateValues,
  at: string,
  read: ReadSecret,
): Promise<OwnCertificate> {
  const keyPassword = opens && (await read(opens, `${at}.keyPassword`));
  const certificate = await read(shown, `${at}.certificate`, certificatesIn);
  const key = await read(kept, `${at}.key`, (text) => privateKeyIn(text, keyPassword));
  if (!belongTogether(certificate, key, keyPassword)) {
    const places = `${kept.key} of the Secret ${kept.secretName} is not the key of ${shown.key} of ${shown.secretName}`;
    throw unusable(
      `${places}: the certificate of the key stands first, those that lead to an authority after it`,
    );
  }
  return { certificate, key, ...(keyPassword === undefined ? {} : { keyPassword }) };
}

/** `at`: the field that `authentication` is. */
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
