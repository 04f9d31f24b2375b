// Which Kafka clusters a ScaledObject may ask about: only those that the installation is configured for. Its
// `bootstrapServers` choose among them. The scaler never connects to an address because a ScaledObject names it.
import type { KafkaAccess } from '../core/contract/kafka-access.ts';
import type { WantedTriggers } from './wanted-triggers.ts';

export interface KnownClusters {
  /** The cluster of the servers in `named`, or undefined if none is known. The installation's own (also for an empty `named`) has no `access`. */
  find(namespace: string, named: readonly string[]): KnownCluster | undefined;
}

export interface KnownCluster {
  readonly access: KafkaAccess | undefined;
}

/**
 * `own`: the bootstrap servers of the installation's cluster. A ScaledObject may also ask about the clusters of the triggers in
 * its namespace, but not about a cluster that only other namespaces use.
 */
export function createKnownClusters(
  own: readonly string[],
  triggers: Pick<WantedTriggers, 'inNamespace'>,
): KnownClusters {
  return {
    find(namespace, named) {
      if (isPartOf(named, own)) return { access: undefined };
      const asked = new Set<KafkaAccess>();
      for (const { source } of triggers.inNamespace(namespace)) {
        const { access } = source;
        if (access === undefined || asked.has(access)) continue;
        if (isPartOf(named, access.brokers)) return { access };
        asked.add(access);
      }
      return undefined;
    },
  };
}

/** Whether every server of `named` is in `cluster`, by any of the names that Kubernetes gives a Service. */
function isPartOf(named: readonly string[], cluster: readonly string[]): boolean {
  const known = new Set(cluster.map(canonical));
  return named.every((server) => known.has(canonical(server)));
}

/** `Kafka.shop.svc.cluster.local.:9092` → `kafka.shop:9092`. */
function canonical(server: string): string {
  return server
    .toLowerCase()
    .replace(/\.?(:\d+)$/, '$1')
    .replace(/\.svc(?:\.cluster\.local)?(:\d+)$/, '$1');
}
