// How long to wait before the API server is asked again.

const firstMs = 200;
/** Endpoints change while it is away: nobody waits longer than this for them once it is back. */
const mostMs = 10_000;

/** Grows with each failure in a row, up to 10 s; half of it at random, so that not all gateways come back at once. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const limitMs = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 10));
  return limitMs / 2 + (random() * limitMs) / 2;
}
