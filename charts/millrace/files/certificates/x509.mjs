// X.509 certificates (RFC 5280) with P-256 keys: a CA, and certificates that it signs. Node reads certificates, but it makes none; the image has
// nothing else that does.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const dayMs = 86_400_000;
/** Certificates count from a day ago, for clocks that are behind. */
const skewMs = dayMs;

/** A CA whose key is nowhere but in the answer. */
export function createAuthority(commonName, days) {
  const keys = createKeys();
  const extensions = [
    extension(oids.basicConstraints, sequence(boolean(true)), true),
    // keyCertSign, cRLSign
    extension(oids.keyUsage, bitString(Buffer.of(0b0000_0110), 1), true),
    extension(oids.subjectKeyIdentifier, octetString(keys.identifier), false),
  ];
  const issuer = { name: nameOf(commonName), keys };
  const certificate = createCertificate({ issuer, name: issuer.name, keys, days, extensions });
  return { ...issuer, certificate };
}

/** `usages`: `server`, `client`. Returns both in PEM. */
export function issueCertificate(issuer, { dnsNames, usages, days }) {
  const keys = createKeys();
  const extensions = [
    extension(oids.basicConstraints, sequence(), true),
    // digitalSignature
    extension(oids.keyUsage, bitString(Buffer.of(0b1000_0000), 7), true),
    extension(oids.extendedKeyUsage, sequence(...usages.map((usage) => objectIdentifier(oids[usage]))), false),
    extension(oids.subjectKeyIdentifier, octetString(keys.identifier), false),
    extension(oids.authorityKeyIdentifier, sequence(tlv(0x80, issuer.keys.identifier)), false),
    extension(oids.subjectAltName, sequence(...dnsNames.map((name) => tlv(0x82, Buffer.from(name)))), false),
  ];
  // A common name has at most 64 characters. Clients read the alternative names.
  const name = nameOf(dnsNames[0].slice(0, 64));
  const certificate = createCertificate({ issuer, name, keys, days, extensions });
  return { certificate, key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}

const oids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
};

function createKeys() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return { spki, privateKey, identifier: createHash('sha256').update(spki).digest().subarray(0, 20) };
}

function createCertificate({ issuer, name, keys, days, extensions }) {
  const algorithm = sequence(objectIdentifier(oids.ecdsaWithSha256));
  const nowMs = Date.now();
  const validity = sequence(time(nowMs - skewMs), time(nowMs + days * dayMs));
  const version3 = tlv(0xa0, tlv(0x02, Buffer.of(2)));
  // The first bit is zero, because a serial number is positive; the next is one, so that it has no superfluous zeros.
  const serial = randomBytes(16);
  serial[0] = (serial[0] & 0x3f) | 0x40;
  const fields = [version3, tlv(0x02, serial), algorithm, issuer.name, validity, name, keys.spki];
  const toBeSigned = sequence(...fields, tlv(0xa3, sequence(...extensions)));
  const signature = sign('sha256', toBeSigned, issuer.keys.privateKey);
  return pem(sequence(toBeSigned, algorithm, bitString(signature, 0)));
}

function nameOf(commonName) {
  const attribute = sequence(objectIdentifier(oids.commonName), tlv(0x0c, Buffer.from(commonName)));
  return sequence(tlv(0x31, attribute));
}

function extension(oid, value, isCritical) {
  return sequence(objectIdentifier(oid), ...(isCritical ? [boolean(true)] : []), octetString(value));
}

/** UTCTime until 2049, then GeneralizedTime, as RFC 5280 has it. */
function time(ms) {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\..*/g, '');
  return digits < '2050' ? tlv(0x17, Buffer.from(`${digits.slice(2)}Z`)) : tlv(0x18, Buffer.from(`${digits}Z`));
}

// DER (X.690): tag, length, value.
function tlv(tag, value) {
  const { length } = value;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), value]);
  const bytes = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.of(tag, 0x80 | bytes.length), bytes, value]);
}

function sequence(...items) {
  return tlv(0x30, Buffer.concat(items));
}

function boolean(value) {
  return tlv(0x01, Buffer.of(value ? 0xff : 0));
}

function octetString(value) {
  return tlv(0x04, value);
}

function bitString(value, unusedBits) {
  return tlv(0x03, Buffer.concat([Buffer.of(unusedBits), value]));
}

function objectIdentifier(oid) {
  const [first, second, ...rest] = oid.split('.').map(Number);
  const bytes = rest.flatMap((part) => {
    const septets = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) septets.unshift((left & 0x7f) | 0x80);
    return septets;
  });
  return tlv(0x06, Buffer.of(first * 40 + second, ...bytes));
}

function pem(der) {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
