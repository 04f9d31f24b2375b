// Several Kafka clusters at once: what reads and writes for a trigger goes to the brokers that it names, else to the installation's own.
// Triggers of one cluster share its connections.
import type { CreateRecordSource, RecordSink } from '../contract/ports.ts';
import type { Subscription } from '../contract/subscription.ts';
import { createKafka, type ClientLog, type ConnectionSettings } from './connection.ts';
import { createRecordSink, type KafkaRecordSink } from './record-sink.ts';
import { createRecordSources } from './record-source.ts';

export interface Clusters {
  readonly createSource: CreateRecordSource;
  /** Where the dead letters and replies of a trigger go: the cluster that it reads. */
  readonly sinkOf: (subscription: Subscription) => RecordSink;
  /** After all sources have stopped. */
  close(): Promise<void>;
}

interface Cluster {
  readonly createSource: CreateRecordSource;
  readonly sink: KafkaRecordSink;
}

/** `own` says where the installation's cluster is, and what we are called in all of them. */
export function createClusters(own: ConnectionSettings, log?: ClientLog): Clusters {
  const open = new Map<string, Cluster>();
  const clusterOf = ({ source }: Subscription): Cluster => {
    const brokers = source.brokers ?? own.brokers;
    const key = brokers.toSorted().join();
    let cluster = open.get(key);
    if (cluster === undefined) {
      const kafka = createKafka({ ...own, brokers }, log);
      cluster = { createSource: createRecordSources({ kafka }), sink: createRecordSink(kafka) };
      open.set(key, cluster);
    }
    return cluster;
  };
  return {
    createSource: (subscription, listener) => clusterOf(subscription).createSource(subscription, listener),
    sinkOf: (subscription) => clusterOf(subscription).sink,
    close: async () => {
      await Promise.all([...open.values()].map(({ sink }) => sink.close()));
    },
  };
}
