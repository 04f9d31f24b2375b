// Chance that can be repeated: the same seed, the same draws. Pure.

export type Random = {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** From `least` to `most`, both included, in steps. */
  between(least: number, most: number, step?: number): number;
  pick<T>(list: readonly T[]): T;
  chance(probability: number): boolean;
};

/** mulberry32: 32 bits of state, spread well enough for schedules. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number, step = 1): number =>
    least + step * Math.floor(next() * (Math.floor((most - least) / step) + 1));
  return {
    next,
    between,
    pick: <T>(list: readonly T[]) => list[between(0, list.length - 1)] as T,
    chance: (probability) => next() < probability,
  };
}
