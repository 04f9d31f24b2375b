// How long to wait before a failed request to the API server is retried. Pure.

const firstMs = 200;
/** Upper limit: endpoints change while the API server is away, and must be read soon after it is back. */
const maxMs = 10_000;

/** Doubles with each failure in a row, up to 10 s. Half of it is random, so that gateways do not retry at the same moment. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const limitMs = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 10));
  return limitMs / 2 + (random() * limitMs) / 2;
}
