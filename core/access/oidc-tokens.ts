// Recognizes callers by a token of an OpenID provider: an access token (RFC 9068) or an ID token.
// The token must be signed by a key of the provider, be for our audience, and be within its time of validity.
import { errors, jwtVerify, type JWTPayload } from 'jose';
import { isPresentable, readClaims, withoutToken } from './bearer-token.ts';
import type { Recognition, Recognizer } from '../contract/callers.ts';
import { MillraceError } from '../contract/errors.ts';
import { callerOf, type Roles } from './oidc-caller.ts';
import { OidcProvider, type ProviderOptions } from './oidc-provider.ts';

export interface OidcOptions extends ProviderOptions, Omit<Roles, 'rolesClaim'> {
  /** The audience that tokens must have. */
  readonly audience: string;
  readonly rolesClaim?: string;
  /** In ms since 1970. */
  readonly now?: () => number;
}

/** Only signatures by private keys: with `none` or `HS256`, anybody who can read the public keys could sign. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** The types of access and ID tokens, which may also have none. Others, such as `logout+jwt`, do not prove who calls (RFC 8725, section 3.11). */
const types = ['jwt', 'at+jwt'];
/** Allowed difference between clocks. */
const toleranceSeconds = 30;

/** Throws MILLRACE_CONFIG_INVALID if the issuer is not an https URL. The provider need not answer yet. */
export function createOidc({ rolesClaim = 'groups', now = Date.now, ...options }: OidcOptions): Recognizer {
  const { issuer } = options;
  const provider = new OidcProvider(options);
  return {
    recognize: async (token) => {
      if (!isPresentable(token) || readClaims(token)?.iss !== issuer) return { kind: 'unknown' };
      try {
        const claims = await verify(token, provider, options, now());
        return { kind: 'caller', caller: callerOf(issuer, claims, { ...options, rolesClaim }) };
      } catch (error) {
        return refusal(error, token, issuer);
      }
    },
    close: () => provider.close(),
  };
}

async function verify(
  token: string,
  provider: OidcProvider,
  { issuer, audience }: OidcOptions,
  nowMs: number,
): Promise<JWTPayload> {
  const { payload, protectedHeader } = await jwtVerify(
    token,
    (header, input) => provider.keyFor(header, input),
    {
      algorithms,
      issuer,
      audience,
      requiredClaims: ['exp', 'iat', 'sub'],
      clockTolerance: toleranceSeconds,
      currentDate: new Date(nowMs),
    },
  );
  const type = protectedHeader.typ?.toLowerCase().replace(/^application\//, '') ?? 'jwt';
  if (!types.includes(type)) throw new Refused('it is neither an access token nor an ID token');
  if (typeof payload.sub !== 'string' || payload.sub === '') throw new Refused('it has no subject');
  if ((payload.iat ?? 0) > nowMs / 1_000 + toleranceSeconds) throw new Refused('it was issued in the future');
  return payload;
}

/** A token is not accepted although its signature is right. */
class Refused extends Error {}

/** An error of jose is never passed on, because it may contain all claims. */
function refusal(error: unknown, token: string, issuer: string): Recognition {
  const why = reasonOf(error);
  if (why !== undefined) return { kind: 'refused', why: `the token of ${issuer} is not valid: ${why}` };
  if (error instanceof MillraceError) throw error;
  throw new MillraceError('MILLRACE_ACCESS_UNKNOWN', `the keys of ${issuer} cannot be used`, {
    cause: withoutToken(error, token),
  });
}

/** Undefined if the token is not the reason. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof Refused) return error.message;
  if (error instanceof errors.JWTExpired) return 'it has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `its claim ${error.claim} is ${error.reason === 'missing' ? 'missing' : 'wrong'}`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong';
  if (error instanceof errors.JWKSNoMatchingKey) return 'the issuer publishes no such key';
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return 'it does not say which key of the issuer has signed it';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'it is not signed by an accepted algorithm';
  const malformed = [errors.JWSInvalid, errors.JWTInvalid, errors.JOSENotSupported];
  return malformed.some((type) => error instanceof type) ? 'it is malformed' : undefined;
}
