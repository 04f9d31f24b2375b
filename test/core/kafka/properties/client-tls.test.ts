import { createPrivateKey } from 'node:crypto';
import t from 'tap';
import { makeCertificate } from '../../../scaler/fixtures/certificates.ts';
import { credentialsOf, mistakesOf } from './client-properties-text.ts';

const folder = t.testdir();
const [one, other] = [await makeCertificate(folder, 'one'), await makeCertificate(folder, 'other')];
const [ca, certificate, key] = [one.ca, one.cert, one.key].map(String) as [string, string, string];
const encrypted = createPrivateKey(key)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 's3cret' })
  .toString();

function verdictOf(
  properties: Readonly<Record<string, string | undefined>>,
  files: Readonly<Record<string, string>> = {},
) {
  const own = Object.entries(properties).map(([name, value]) => [`ssl.${name}`, value]);
  return credentialsOf({ 'security.protocol': 'SSL', ...Object.fromEntries(own) }, files);
}

const right = (tls: object) => ({
  kind: 'right',
  credentials: { tls: { ca: undefined, verifyHostname: true, ...tls }, sasl: undefined },
});

t.test('without a store the authorities of Node.js are trusted, and nothing is shown', async (t) =>
  t.strictSame(verdictOf({}), right({})),
);

t.test('authorities stand in a property, or in a file', async (t) => {
  t.strictSame(verdictOf({ 'truststore.type': 'PEM', 'truststore.certificates': ca }), right({ ca }));
  t.strictSame(verdictOf({ 'truststore.certificates': ca.replaceAll('\n', ' ') }), right({ ca }));
  const properties = { 'truststore.type': 'pem', 'truststore.location': '/ca.pem' };
  t.strictSame(verdictOf(properties, { '/ca.pem': `# ours\n${ca}${ca}` }), right({ ca: ca + ca }));
});

t.test('a certificate and its key stand in two properties, or in one file', async (t) => {
  const inline = { 'keystore.certificate.chain': certificate + ca, 'keystore.key': key };
  const shown = { certificate: certificate + ca, key, keyPassword: undefined };
  t.strictSame(verdictOf(inline), right(shown));
  const inFile = { 'keystore.type': 'PEM', 'keystore.location': '/user.pem' };
  t.strictSame(verdictOf(inFile, { '/user.pem': key + certificate + ca }), right(shown));
  const files = { '/user.pem': encrypted + certificate };
  const locked = { certificate, key: encrypted, keyPassword: 's3cret' };
  t.strictSame(verdictOf({ ...inFile, 'key.password': 's3cret' }, files), right(locked));
});

t.test('the name of a broker is checked, unless the algorithm is empty', async (t) => {
  const name = 'endpoint.identification.algorithm';
  for (const [algorithm, verifyHostname] of [
    ['https', true],
    ['HTTPS', true],
    ['', false],
    [' ', false],
  ] as const)
    // prettier-ignore
    t.strictSame(verdictOf({ [name]: algorithm }), right({ verifyHostname }));
  t.strictSame(mistakesOf(verdictOf({ [name]: 'none' })), [
    `ssl.${name}: must be https, or empty, is "none"`,
  ]);
});

t.test('protocols may be named as long as those that are spoken are among them', async (t) => {
  for (const names of ['TLSv1.2', 'TLSv1.3, TLSv1.2', 'TLSv1.2,TLSv1.1'])
    t.equal(verdictOf({ 'enabled.protocols': names }).kind, 'right');
  t.strictSame(mistakesOf(verdictOf({ 'enabled.protocols': 'TLSv1.3' })), [
    'ssl.enabled.protocols: leaves out TLSv1.2, which is spoken too',
  ]);
});

t.test('a store of Java is told how to become PEM', async (t) => {
  const truststore = /keytool -list -rfc -keystore truststore\.jks > truststore\.pem/;
  const keystore = /openssl pkcs12 -in keystore\.p12 -out keystore\.pem/;
  for (const [properties, path, message, remedy] of [
    [
      { 'truststore.type': 'JKS', 'truststore.password': 's3cret' },
      'truststore.type',
      'must be PEM, is "JKS"',
      truststore,
    ],
    [{ 'keystore.type': 'PKCS12' }, 'keystore.type', 'must be PEM, is "PKCS12"', keystore],
    [
      { 'truststore.password': 's3cret' },
      'truststore.password',
      'is the password of a store in JKS or PKCS12, and only PEM is read',
      truststore,
    ],
    [
      { 'keystore.type': 'PEM', 'keystore.password': 's3cret' },
      'keystore.password',
      'is the password of a store in JKS or PKCS12, and only PEM is read',
      keystore,
    ],
    [
      { 'truststore.location': '/ca.jks' },
      'truststore.location',
      'names the file "/ca.jks", which has no CERTIFICATE block of PEM',
      truststore,
    ],
  ] as const) {
    const verdict = verdictOf(properties, { '/ca.jks': '\xfe\xed\xfe\xed s3cret' });
    t.match(verdict, { kind: 'wrong', mistakes: [{ path: `ssl.${path}`, message, remedy }] });
    t.equal(mistakesOf(verdict).length, 1);
    t.notMatch(JSON.stringify(verdict), 's3cret');
  }
});

t.test('what is wrong with a certificate or a key is told, and nothing of the key', async (t) => {
  const inFile = { 'keystore.location': '/user.pem' };
  const named = 'ssl.keystore.location: names the file "/user.pem", which';
  const chain = { 'keystore.certificate.chain': certificate };
  for (const [properties, file, messages] of [
    [inFile, key, [`${named} has no CERTIFICATE block of PEM`]],
    [inFile, certificate, [`${named} has no PRIVATE KEY block of PEM`]],
    [inFile, '', [`${named} has no CERTIFICATE block of PEM`, `${named} has no PRIVATE KEY block of PEM`]],
    [inFile, undefined, [`${named} cannot be read`]],
    [inFile, certificate + encrypted, [`${named} has an encrypted key, and there is no password`]],
    [
      inFile,
      String(other.cert) + key,
      ['ssl.keystore.location: has a key that is not that of the first certificate'],
    ],
    [{ ...chain, 'keystore.key': 's3cret' }, '', ['ssl.keystore.key: has no PRIVATE KEY block of PEM']],
    [
      { ...chain, 'keystore.key': encrypted, 'key.password': 's3cret!' },
      '',
      ['ssl.keystore.key: has a key that the password does not open'],
    ],
    [
      { ...chain, 'keystore.key': other.key.toString() },
      '',
      ['ssl.keystore.key: has a key that is not that of the first certificate'],
    ],
    [chain, '', ['ssl.keystore.key: is missing, beside ssl.keystore.certificate.chain']],
    [{ 'keystore.key': key }, '', ['ssl.keystore.certificate.chain: is missing, beside ssl.keystore.key']],
    [
      { 'truststore.certificates': key },
      '',
      ['ssl.truststore.certificates: has no CERTIFICATE block of PEM'],
    ],
    [
      { ...chain, ...inFile, 'truststore.certificates': ca, 'truststore.location': '/ca.pem' },
      certificate + key,
      [
        'ssl.truststore.certificates: stands beside ssl.truststore.location, and one of them can hold',
        'ssl.keystore.certificate.chain: stands beside ssl.keystore.location, and one of them can hold',
      ],
    ],
  ] as const) {
    const verdict = verdictOf(properties, file === undefined ? {} : { '/user.pem': file });
    t.strictSame(mistakesOf(verdict).toSorted(), messages.toSorted());
    t.notMatch(JSON.stringify(verdict), /s3cret|MIG/);
  }
});
