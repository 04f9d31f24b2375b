// Who shows a token of an OpenID provider: an access token (RFC 9068) or an ID token, signed by one of its keys, for our audience, in its time.
import { errors, jwtVerify, type JWTPayload } from 'jose';
import { isPresentable, readClaims, withoutToken } from './bearer-token.ts';
import type { Recognition, Recognizer } from '../contract/callers.ts';
import { MillraceError } from '../contract/errors.ts';
import { callerOf, type Roles } from './oidc-caller.ts';
import { OidcProvider, type ProviderOptions } from './oidc-provider.ts';

export interface OidcOptions extends ProviderOptions, Omit<Roles, 'rolesClaim'> {
  /** That tokens are to be for. */
  readonly audience: string;
  readonly rolesClaim?: string;
  /** In ms since 1970. */
  readonly now?: () => number;
}

/** By public keys alone: with `none` and `HS256` whoever reads them could sign. */
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
/** Of access and ID tokens, which may name none. Others, such as `logout+jwt`, are no proof of who calls (RFC 8725, section 3.11). */
const types = ['jwt', 'at+jwt'];
/** Of clocks that differ. */
const toleranceSeconds = 30;

/** Throws MILLRACE_CONFIG_INVALID where the issuer is no https address. The provider need not answer yet. */
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
  if (!types.includes(type)) throw new Refused('it is no access token and no ID token');
  if (typeof payload.sub !== 'string' || payload.sub === '') throw new Refused('it names nobody');
  if ((payload.iat ?? 0) > nowMs / 1_000 + toleranceSeconds) throw new Refused('it is of a time to come');
  return payload;
}

/** Why a token that is signed does not hold. */
class Refused extends Error {}

/** Nothing that jose has thrown is handed on: it may hold all claims. */
function refusal(error: unknown, token: string, issuer: string): Recognition {
  const why = reasonOf(error);
  if (why !== undefined) return { kind: 'refused', why: `the token of ${issuer} does not hold: ${why}` };
  if (error instanceof MillraceError) throw error;
  throw new MillraceError('MILLRACE_ACCESS_UNKNOWN', `the keys of ${issuer} are of no use`, {
    cause: withoutToken(error, token),
  });
}

/** Undefined where that is not for the token to answer. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof Refused) return error.message;
  if (error instanceof errors.JWTExpired) return 'it has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `its claim ${error.claim} is ${error.reason === 'missing' ? 'missing' : 'not what it should be'}`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong';
  if (error instanceof errors.JWKSNoMatchingKey) return 'the issuer shows no such key';
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return 'it does not say which key of the issuer it is signed by';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'it is signed by no algorithm that is taken';
  const malformed = [errors.JWSInvalid, errors.JWTInvalid, errors.JOSENotSupported];
  return malformed.some((type) => error instanceof type) ? 'it is malformed' : undefined;
}
