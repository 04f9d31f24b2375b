// Opens the recognizers that the settings ask for, in the order in which authorize.ts asks them.
import { readFile } from 'node:fs/promises';
import type { Recognizer } from '../contract/callers.ts';
import { MillraceError } from '../contract/errors.ts';
import { createStaticToken } from './static-token.ts';

export interface OidcConfig {
  /** An https URL. */
  readonly issuer: string;
  readonly audience: string;
  /** Name of the claim, or a path of names with dots between them. */
  readonly rolesClaim: string;
  /** Values of the claim. */
  readonly viewers: readonly string[];
  readonly operators: readonly string[];
  /** PEM file of the authorities by which the provider is trusted; undefined: those that Node.js knows. */
  readonly caPath: string | undefined;
}

export interface AccessConfig {
  /** Its bearer may do everything here; undefined: there is no such token. */
  readonly token: string | undefined;
  /** Whether the API server is asked whose a token is, and what they may do. */
  readonly tokenReviews: boolean;
  readonly oidc: OidcConfig | undefined;
  /** Whether programs on this machine need no token, because nothing else could authenticate them. */
  readonly trustsLoopback: boolean;
  readonly metricsAccess: 'scrape' | 'anybody';
}

export interface AccessControl extends Pick<AccessConfig, 'trustsLoopback' | 'metricsAccess'> {
  readonly recognizers: readonly Recognizer[];
  close(): Promise<void>;
}

/** `tokenReviews` is used if the settings ask for it. Rejects with MILLRACE_CONFIG_INVALID if a file cannot be read. */
export async function openAccessControl(
  { token, tokenReviews: isReviewed, oidc, trustsLoopback, metricsAccess }: AccessConfig,
  tokenReviews: Recognizer | undefined,
): Promise<AccessControl> {
  const recognizers = [
    ...(token === undefined
      ? []
      : [createStaticToken({ token, name: 'the bearer of MILLRACE_ADMIN_TOKEN' })]),
    ...(oidc === undefined ? [] : [await openOidc(oidc)]),
    ...(isReviewed && tokenReviews !== undefined ? [tokenReviews] : []),
  ];
  return {
    recognizers,
    trustsLoopback,
    metricsAccess,
    close: async () => {
      await Promise.all(recognizers.map((recognizer) => recognizer.close()));
    },
  };
}

async function openOidc({ caPath, ...oidc }: OidcConfig): Promise<Recognizer> {
  // Most installations have no provider, and need no library for its tokens.
  const { createOidc } = await import('./oidc-tokens.ts');
  if (caPath === undefined) return createOidc(oidc);
  const ca = await readFile(caPath, 'utf8').catch((cause: unknown) => {
    throw new MillraceError('MILLRACE_CONFIG_INVALID', `MILLRACE_OIDC_CA: ${caPath} cannot be read`, {
      cause,
    });
  });
  return createOidc({ ...oidc, ca });
}
