// Which Kafka clusters a ScaledObject may ask about: those that the installation is set up for. Its `bootstrapServers`
// only choose among them; we never connect to an address because a ScaledObject names it.
import type { WantedTriggers } from './wanted-triggers.ts';

export interface KnownClusters {
  /** The brokers that we connect to for `named`; undefined where no known cluster is meant. Empty `named`: our own. */
  find(namespace: string, named: readonly string[]): readonly string[] | undefined;
}

/**
 * `own`: bootstrap servers of the installation's cluster. Besides, those of the triggers of a namespace are known to its
 * ScaledObjects: they may ask about no cluster that is another namespace's alone.
 */
export function createKnownClusters(
  own: readonly string[],
  triggers: Pick<WantedTriggers, 'all'>,
): KnownClusters {
  return {
    find(namespace, named) {
      if (isPartOf(named, own)) return own;
      const near = triggers.all().filter((trigger) => trigger.namespace === namespace);
      return near.find(({ source }) => isPartOf(named, source.brokers ?? []))?.source.brokers;
    },
  };
}

/** Whether every server of `named` is one of `cluster`, under one of the names that Kubernetes gives a Service. */
function isPartOf(named: readonly string[], cluster: readonly string[]): boolean {
  const known = new Set(cluster.map(canonical));
  return named.every((server) => known.has(canonical(server)));
}

/** `Kafka.shop.svc.cluster.local.:9092` is `kafka.shop:9092`. */
function canonical(server: string): string {
  return server
    .toLowerCase()
    .replace(/\.?(:\d+)$/, '$1')
    .replace(/\.svc(?:\.cluster\.local)?(:\d+)$/, '$1');
}
