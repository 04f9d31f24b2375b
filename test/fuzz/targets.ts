// Everything of Millrace that reads what strangers write. The ports are fuzzed by their own tests, through sockets.
import { eventTargets } from './event-targets.ts';
import { keptSeeds } from './seeds.ts';
import { textTargets } from './text-targets.ts';
import type { Target } from './target.ts';

export const targets: readonly Target[] = [...eventTargets, ...textTargets].map((target) => ({
  ...target,
  seeds: [...target.seeds, ...keptSeeds(target.name)],
}));
