// Who comes to a door, by the settings: those who know callers, in the order in which they are asked.
import type { AccessConfig } from '../contract/access-settings.ts';
import type { Recognizer } from '../contract/callers.ts';
import { createOidc } from './oidc.ts';
import { createStaticToken } from './static-token.ts';

export interface OpenedAccess extends Pick<AccessConfig, 'trustsLocal' | 'metricsAccess'> {
  readonly recognizers: readonly Recognizer[];
  close(): Promise<void>;
}

/** `tokenReviews`: the API server, where the settings want it asked. */
export function openAccess(
  { token, tokenReviews: isReviewed, oidc, trustsLocal, metricsAccess }: AccessConfig,
  tokenReviews: Recognizer | undefined,
): OpenedAccess {
  const recognizers = [
    ...(token === undefined
      ? []
      : [createStaticToken({ token, name: 'the bearer of MILLRACE_ADMIN_TOKEN' })]),
    ...(oidc === undefined ? [] : [createOidc(oidc)]),
    ...(isReviewed && tokenReviews !== undefined ? [tokenReviews] : []),
  ];
  return {
    recognizers,
    trustsLocal,
    metricsAccess,
    close: async () => {
      await Promise.all(recognizers.map((recognizer) => recognizer.close()));
    },
  };
}
