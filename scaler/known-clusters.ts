// Which Kafka clusters a ScaledObject may ask about: those that the installation is set up for. Its `bootstrapServers`
// only choose among them; we never connect to an address because a ScaledObject names it.
import type { KafkaAccess } from '../core/contract/kafka-access.ts';
import type { WantedTriggers } from './wanted-triggers.ts';

export interface KnownClusters {
  /** The cluster that `named` means, without `access` where it is our own; undefined where no known one is meant. Empty `named`: our own. */
  find(namespace: string, named: readonly string[]): KnownCluster | undefined;
}

export interface KnownCluster {
  readonly access: KafkaAccess | undefined;
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
      if (isPartOf(named, own)) return { access: undefined };
      const near = triggers.all().filter((trigger) => trigger.namespace === namespace);
      const found = near.find(({ source: { access } }) => isPartOf(named, access?.brokers ?? []));
      return found && { access: found.source.access };
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
