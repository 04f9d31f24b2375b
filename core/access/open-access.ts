// Who comes to a door, by the settings: those who know callers, in the order in which they are asked.
import { readFile } from 'node:fs/promises';
import type { AccessConfig, OidcConfig } from './access-settings.ts';
import type { Recognizer } from '../contract/callers.ts';
import { MillraceError } from '../contract/errors.ts';
import { createOidc } from './oidc-tokens.ts';
import { createStaticToken } from './static-token.ts';

export interface OpenedAccess extends Pick<AccessConfig, 'trustsLoopback' | 'metricsAccess'> {
  readonly recognizers: readonly Recognizer[];
  close(): Promise<void>;
}

/** `tokenReviews`: the API server, where the settings want it asked. Rejects with MILLRACE_CONFIG_INVALID where a file cannot be read. */
export async function openAccess(
  { token, tokenReviews: isReviewed, oidc, trustsLoopback, metricsAccess }: AccessConfig,
  tokenReviews: Recognizer | undefined,
): Promise<OpenedAccess> {
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
  if (caPath === undefined) return createOidc(oidc);
  const ca = await readFile(caPath, 'utf8').catch((cause: unknown) => {
    throw new MillraceError('MILLRACE_CONFIG_INVALID', `MILLRACE_OIDC_CA: ${caPath} cannot be read`, {
      cause,
    });
  });
  return createOidc({ ...oidc, ca });
}
