// Finds certificates and private keys as PEM (RFC 7468) in any text around them, and checks that they can be read.
// A message never contains a key. Pure.
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';

/** `message` is text after the name of the place that has the PEM. */
export type PemVerdict =
  { readonly kind: 'right'; readonly pem: string } | { readonly kind: 'wrong'; readonly message: string };

interface Block {
  readonly label: string;
  readonly pem: string;
}

/** All certificates in `text`, at least one. */
export function certificatesIn(text: string): PemVerdict {
  const blocks = blocksOf(text).filter(({ label }) => label === 'CERTIFICATE');
  if (blocks.length === 0) return wrong('has no CERTIFICATE block of PEM');
  const broken = blocks.findIndex(({ pem }) => certificateOf(pem) === undefined);
  if (broken !== -1) return wrong(`has a certificate that cannot be read, the ${ordinal(broken)}`);
  return { kind: 'right', pem: blocks.map(({ pem }) => pem).join('') };
}

/** The private key in `text`; `password` decrypts it if it is encrypted. */
export function privateKeyIn(text: string, password: string | undefined): PemVerdict {
  const [block, another] = blocksOf(text).filter(({ label }) => label.endsWith('PRIVATE KEY'));
  if (block === undefined) return wrong('has no PRIVATE KEY block of PEM');
  if (another !== undefined) return wrong('has more than one PRIVATE KEY block');
  const isEncrypted = block.label.startsWith('ENCRYPTED') || block.pem.includes('Proc-Type: 4,ENCRYPTED');
  if (isEncrypted && password === undefined) return wrong('has an encrypted key, and there is no password');
  if (keyOf(block.pem, password) !== undefined) return { kind: 'right', pem: block.pem };
  return wrong(isEncrypted ? 'has a key that the password does not open' : 'has a key that cannot be read');
}

/** Whether `key` is the key of the first of `certificates`; both as the functions above return them. */
export function belongTogether(certificates: string, key: string, password: string | undefined): boolean {
  const [certificate, secret] = [certificateOf(certificates), keyOf(key, password)];
  return certificate !== undefined && secret !== undefined && certificate.checkPrivateKey(secret);
}

function wrong(message: string): PemVerdict {
  return { kind: 'wrong', message };
}

function ordinal(index: number): string {
  return ['first', 'second', 'third'][index] ?? `${index + 1}th`;
}

function blocksOf(text: string): Block[] {
  const found = text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----/gs);
  return Array.from(found, ([, label = '', body = '']) => {
    return { label, pem: `-----BEGIN ${label}-----\n${laidOut(body)}\n-----END ${label}-----\n` };
  });
}

/** OpenSSL requires lines, which a property may have lost. A key with PEM headers keeps its lines. */
function laidOut(body: string): string {
  const base64 = body.replaceAll(/\s+/g, '');
  return base64.includes(':') ? body.trim() : base64.replaceAll(/(.{64})(?=.)/g, '$1\n');
}

function certificateOf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function keyOf(pem: string, password: string | undefined): KeyObject | undefined {
  try {
    return createPrivateKey({ key: pem, ...(password === undefined ? {} : { passphrase: password }) });
  } catch {
    return undefined;
  }
}
