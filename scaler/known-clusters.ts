// Which Kafka clusters a ScaledObject may ask about: those that the installation is set up for. Its `bootstrapServers`
// only choose among them; we never connect to an address because a ScaledObject names it.

export interface KnownClusters {
  /** The brokers that we connect to for `named`; undefined where no known cluster is meant. Empty `named`: our own. */
  find(namespace: string, named: readonly string[]): readonly string[] | undefined;
}

/** `own`: bootstrap servers of the installation's cluster. */
export function createKnownClusters(own: readonly string[]): KnownClusters {
  return { find: (_namespace, named) => (isPartOf(named, own) ? own : undefined) };
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
