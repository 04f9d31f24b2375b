// The Kafka cluster that seeds share, one after another. A new one replaces it when it is broken or has served many seeds.
import { startCluster, type Cluster } from './broker-cluster.ts';
import { createScope } from './scope.ts';

/** Topics are never deleted, and small brokers can hold only so many. */
const mostSeeds = 25;

export type ReusedCluster = {
  forNextSeed(): Promise<Cluster>;
  /** Stops the cluster. The next seed gets a new one. */
  discard(): Promise<void>;
};

export function createReusedCluster(): ReusedCluster {
  let scope = createScope();
  let current: Cluster | undefined;
  let seeds = 0;
  const discard = async (): Promise<void> => {
    current = undefined;
    seeds = 0;
    const last = scope;
    scope = createScope();
    await last.end();
  };
  return {
    forNextSeed: async () => {
      if (seeds === mostSeeds) await discard();
      seeds += 1;
      return (current ??= await startCluster(scope));
    },
    discard,
  };
}
