// The `ssl.…` properties of a Kafka client: whom it trusts, and what it shows. Stores are PEM.
import type { GivenProperties, PropertyName } from './given-properties.ts';
import type { TlsCredentials } from '../../contract/kafka-access.ts';
import { belongTogether, certificatesIn, privateKeyIn, type PemVerdict } from '../../credentials/pem.ts';
import { show } from '../../contract/manifest-problem.ts';

/** PEM, and which property it comes from. */
interface Source {
  readonly name: PropertyName;
  readonly text: string;
  /** Of the file that it stands in. */
  readonly path: string | undefined;
}

const convertTruststore =
  'Convert the store to PEM: `keytool -list -rfc -keystore truststore.jks > truststore.pem`.';
const convertKeystore =
  'Convert the store to PEM: `openssl pkcs12 -in keystore.p12 -out keystore.pem`, whose new pass phrase is `ssl.key.password`; one of JKS is made PKCS12 before by `keytool -importkeystore -srckeystore keystore.jks -destkeystore keystore.p12 -deststoretype PKCS12`.';

const inlineRemedy =
  'Write all of it, from BEGIN to END, with ` \\\\` at the end of each line but the last; an encrypted key needs `ssl.key.password`.';

export function tlsOf(properties: GivenProperties): TlsCredentials {
  judgeStore(properties, 'ssl.truststore', convertTruststore);
  judgeStore(properties, 'ssl.keystore', convertKeystore);
  judgeProtocols(properties);
  const verifyHostname = verifies(properties);
  return { ca: authoritiesOf(properties), ...identityOf(properties), verifyHostname };
}

/** Stores have a password of their own, and PEM has not. */
function judgeStore(
  properties: GivenProperties,
  store: 'ssl.truststore' | 'ssl.keystore',
  remedy: string,
): void {
  const type = properties.text(`${store}.type`);
  if (type !== undefined && type.toUpperCase() !== 'PEM')
    properties.wrong(`${store}.type`, `must be PEM, is ${show(type)}`, remedy);
  else if (properties.text(`${store}.password`) !== undefined)
    properties.wrong(
      `${store}.password`,
      'is the password of a store in JKS or PKCS12, and only PEM is read',
      `${remedy} If it is PEM already, remove the line.`,
    );
}

/** TLS 1.2 and 1.3 are spoken, whichever is agreed on. */
function judgeProtocols(properties: GivenProperties): void {
  const names = properties.text('ssl.enabled.protocols')?.split(/\s*,\s*/);
  if (names !== undefined && !names.includes('TLSv1.2'))
    properties.wrong('ssl.enabled.protocols', 'leaves out TLSv1.2, which is spoken too', 'Remove the line.');
}

function verifies(properties: GivenProperties): boolean {
  const name = 'ssl.endpoint.identification.algorithm';
  const algorithm = properties.value(name) ?? 'https';
  if (algorithm !== '' && algorithm.toLowerCase() !== 'https')
    properties.wrong(
      name,
      `must be https, or empty, is ${show(algorithm)}`,
      'Write https; empty means that a broker may show a certificate for any name.',
    );
  return algorithm !== '';
}

function authoritiesOf(properties: GivenProperties): string | undefined {
  const file = 'ssl.truststore.location';
  const source = inline(properties, 'ssl.truststore.certificates', file) ?? inFile(properties, file);
  return source && take(properties, source, certificatesIn(source.text), convertTruststore);
}

function identityOf(
  properties: GivenProperties,
): Pick<TlsCredentials, 'certificate' | 'key' | 'keyPassword'> {
  const [file, chain, secret] = [
    'ssl.keystore.location',
    'ssl.keystore.certificate.chain',
    'ssl.keystore.key',
  ] as const;
  const store = inFile(properties, file);
  const [shown, kept] = [inline(properties, chain, file) ?? store, inline(properties, secret, file) ?? store];
  if (properties.text(file) === undefined && (shown === undefined) !== (kept === undefined)) {
    const [missing, other] = shown === undefined ? [chain, secret] : [secret, chain];
    properties.wrong(missing, `is missing, beside ${other}`, 'Write both, or neither of them.');
  }
  if (shown === undefined || kept === undefined) return {};
  const keyPassword = properties.text('ssl.key.password');
  const certificate = take(properties, shown, certificatesIn(shown.text), convertKeystore);
  const key = take(properties, kept, privateKeyIn(kept.text, keyPassword), convertKeystore);
  if (certificate !== undefined && key !== undefined && !belongTogether(certificate, key, keyPassword))
    properties.wrong(
      kept.name,
      'has a key that is not that of the first certificate',
      'Put the certificate of the key first, and after it those that lead to an authority.',
    );
  return { certificate, key, keyPassword };
}

function inline(properties: GivenProperties, name: PropertyName, file: PropertyName): Source | undefined {
  const text = properties.text(name);
  if (text !== undefined && properties.text(file) !== undefined)
    properties.wrong(name, `stands beside ${file}, and one of them can hold`, 'Remove one of the two.');
  return text === undefined ? undefined : { name, text, path: undefined };
}

function inFile(properties: GivenProperties, name: PropertyName): Source | undefined {
  const path = properties.text(name);
  const text = path === undefined ? undefined : properties.file(name, path);
  return text === undefined ? undefined : { name, text, path };
}

/** What is right in it; what is wrong is told, with `convert` for a file, which may be a store of another kind. */
function take(
  properties: GivenProperties,
  { name, path }: Source,
  verdict: PemVerdict,
  convert: string,
): string | undefined {
  if (verdict.kind === 'right') return verdict.pem;
  const { message } = verdict;
  if (path === undefined) properties.wrong(name, message, inlineRemedy);
  else
    properties.wrong(name, `names the file ${show(path)}, which ${message}`, `Write PEM into it. ${convert}`);
  return undefined;
}
