// The cluster that the next seed gets: the same again, until it is spoilt or has served many.
import { startCluster, type Cluster } from './cluster.ts';
import { createScope } from './scope.ts';

/** Topics are not deleted, and brokers of little memory serve only so many. */
const mostSeeds = 25;

export type Clusters = {
  next(): Promise<Cluster>;
  /** The next one will be new. */
  discard(): Promise<void>;
};

export function createClusters(): Clusters {
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
    next: async () => {
      if (seeds === mostSeeds) await discard();
      seeds += 1;
      return (current ??= await startCluster(scope));
    },
    discard,
  };
}
