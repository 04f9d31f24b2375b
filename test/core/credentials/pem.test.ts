import { createPrivateKey } from 'node:crypto';
import t from 'tap';
import { belongTogether, certificatesIn, privateKeyIn } from '../../../core/credentials/pem.ts';
import { makeCertificate } from '../../scaler/fixtures/certificates.ts';

const folder = t.testdir();
const [one, other] = [await makeCertificate(folder, 'one'), await makeCertificate(folder, 'other')];
const [ca, cert, key] = [one.ca, one.cert, one.key].map(String) as [string, string, string];

/** The PEM as a property whose lines have been joined. */
const joined = (pem: string): string => pem.trim().replaceAll(/\s*\n/g, ' ');

function encrypted(type: 'pkcs8' | 'sec1', passphrase = 'opens'): string {
  return createPrivateKey(key).export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString();
}

t.test('certificates are found in any text around them, and get their lines', async (t) => {
  const both = { kind: 'right', pem: cert + ca };
  t.strictSame(certificatesIn(cert + ca), both);
  t.strictSame(
    certificatesIn(`Bag Attributes\n  friendlyName: x\n${key}${joined(cert)}# the authority\n${ca}`),
    both,
  );
  t.strictSame(certificatesIn(joined(cert + ca)), both);
  t.strictSame(certificatesIn(joined(cert).replaceAll(/(?<!-----.*) (?!.*-----)/g, '') + ca), both);
});

t.test('a text without a readable certificate says what is missing', async (t) => {
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  for (const [text, message] of [
    ['', 'has no CERTIFICATE block of PEM'],
    [key, 'has no CERTIFICATE block of PEM'],
    ['\xfe\xed\xfe\xed', 'has no CERTIFICATE block of PEM'],
    [cert.slice(0, 200), 'has no CERTIFICATE block of PEM'],
    [broken, 'has a certificate that cannot be read, the first'],
    [cert + broken, 'has a certificate that cannot be read, the second'],
    [cert + cert + cert + broken, 'has a certificate that cannot be read, the 4th'],
  ] as const) {
    t.strictSame(certificatesIn(text), { kind: 'wrong', message });
  }
});

t.test('a key is found beside its certificate, plain or encrypted with the password', async (t) => {
  const sec1 = createPrivateKey(key).export({ type: 'sec1', format: 'pem' }).toString();
  for (const pem of [key, sec1]) {
    t.strictSame(privateKeyIn(cert + pem, undefined), { kind: 'right', pem });
    t.strictSame(privateKeyIn(joined(pem), 'not needed'), { kind: 'right', pem });
  }
  for (const pem of [encrypted('pkcs8'), encrypted('sec1')])
    t.strictSame(privateKeyIn(cert + pem, 'opens'), { kind: 'right', pem });
});

t.test('a text without a readable key says what is missing', async (t) => {
  const broken = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
  for (const [text, password, message] of [
    ['', undefined, 'has no PRIVATE KEY block of PEM'],
    [cert, undefined, 'has no PRIVATE KEY block of PEM'],
    [key + key, undefined, 'has more than one PRIVATE KEY block'],
    [broken, undefined, 'has a key that cannot be read'],
    [broken, 'opens', 'has a key that cannot be read'],
    [encrypted('pkcs8'), undefined, 'has an encrypted key, and there is no password'],
    [encrypted('sec1'), undefined, 'has an encrypted key, and there is no password'],
    [encrypted('pkcs8'), 'opens not', 'has a key that the password does not open'],
    [encrypted('sec1'), 'opens not', 'has a key that the password does not open'],
  ] as const) {
    t.strictSame(privateKeyIn(text, password), { kind: 'wrong', message });
  }
});

t.test('a key belongs to the first certificate, or does not', async (t) => {
  t.ok(belongTogether(cert + ca, key, undefined));
  t.ok(belongTogether(cert, encrypted('pkcs8'), 'opens'));
  t.notOk(belongTogether(ca + cert, key, undefined));
  t.notOk(belongTogether(cert, other.key.toString(), undefined));
  t.notOk(belongTogether(cert, encrypted('pkcs8'), 'opens not'));
  t.notOk(belongTogether(key, key, undefined));
});
