// SCRAM (RFC 5802, RFC 7677), the client's side: what is said to the server, and whether the server knows the password too. Pure.
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { MillraceError } from '../../../contract/errors.ts';

export interface ScramLogin {
  readonly mechanism: 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

/** Sends one message to the server, and resolves with its answer. */
export type Ask = (message: Buffer) => Promise<Buffer>;

/** Less would give the password away to whoever hears it (RFC 7677, section 4); more keeps a thread busy for whoever poses as a broker. */
const iterationBounds = { least: 4_096, most: 1_000_000 };

const derive = promisify(pbkdf2);

/**
 * Rejects with MILLRACE_KAFKA_UNAUTHENTICATED where the server does not know the password, or does not keep to the RFC. `nonce` is for tests.
 */
export async function authenticateByScram(
  { mechanism, username, password }: ScramLogin,
  ask: Ask,
  nonce = randomBytes(24).toString('base64'),
): Promise<void> {
  const hash = mechanism === 'scram-sha-256' ? 'sha256' : 'sha512';
  const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest();

  const firstBare = `n=${saslName(username)},r=${nonce}`;
  const first = (await ask(Buffer.from(`n,,${firstBare}`, 'utf8'))).toString('utf8');
  const { salt, iterations, serverNonce } = readFirst(first, nonce);

  const salted = await derive(password, salt, iterations, hash === 'sha256' ? 32 : 64, hash);
  const finalBare = `c=biws,r=${serverNonce}`;
  const exchanged = `${firstBare},${first},${finalBare}`;
  const clientKey = hmac(salted, 'Client Key');
  const signature = hmac(createHash(hash).update(clientKey).digest(), exchanged);
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature.readUInt8(at))).toString('base64');

  const final = (await ask(Buffer.from(`${finalBare},p=${proof}`, 'utf8'))).toString('utf8');
  const shown = Buffer.from(attributeOf(final, 'v') ?? '', 'base64');
  const expected = hmac(hmac(salted, 'Server Key'), exchanged);
  if (shown.length !== expected.length || !timingSafeEqual(shown, expected))
    throw distrusted('it does not prove that it knows the password');
}

/** RFC 5802, section 5.1: both of these have a meaning of their own. */
function saslName(username: string): string {
  return username.replaceAll('=', '=3D').replaceAll(',', '=2C');
}

function readFirst(
  message: string,
  nonce: string,
): { readonly salt: Buffer; readonly iterations: number; readonly serverNonce: string } {
  const serverNonce = attributeOf(message, 'r') ?? '';
  const salt = Buffer.from(attributeOf(message, 's') ?? '', 'base64');
  const iterations = Number(attributeOf(message, 'i'));
  if (!serverNonce.startsWith(nonce) || serverNonce.length === nonce.length)
    throw distrusted('its nonce is not made of ours');
  if (salt.length === 0) throw distrusted('it has no salt for the password');
  const { least, most } = iterationBounds;
  if (!Number.isInteger(iterations) || iterations < least || iterations > most)
    throw distrusted(`it asks for another number of iterations than ${least} to ${most}`);
  return { salt, iterations, serverNonce };
}

function attributeOf(message: string, name: string): string | undefined {
  const found = message.split(',').find((attribute) => attribute.startsWith(`${name}=`));
  return found?.slice(2);
}

function distrusted(why: string): MillraceError {
  return new MillraceError(
    'MILLRACE_KAFKA_UNAUTHENTICATED',
    `the broker is not authenticated by SCRAM: ${why}`,
  );
}
