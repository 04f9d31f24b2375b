// All code of Millrace that reads untrusted input. The ports are tested through sockets, by the hostile tests beside those of their
// servers: test/gateway/admin, test/scaler/admin, test/scaler/grpc.
import { eventTargets } from './event-targets.ts';
import { kafkaTargets } from './kafka-targets.ts';
import { keptSeeds } from './seeds.ts';
import { textTargets } from './text-targets.ts';
import type { Target } from './target.ts';

export const targets: readonly Target[] = [...eventTargets, ...kafkaTargets, ...textTargets].map(
  (target) => ({
    ...target,
    seeds: [...target.seeds, ...keptSeeds(target.name)],
  }),
);
