// Several Kafka clusters at once: what reads and writes for a trigger goes to the brokers that it names, else to the installation's own.
// Triggers of one cluster share its connections.
import type { CreateRecordSource } from '../../contract/record-source.ts';
import type { RecordSink } from '../../contract/record-sink.ts';
import type { Subscription } from '../../contract/subscription.ts';
import { createKafka, type Security } from './kafka-client.ts';
import { createRecordSink, type KafkaRecordSink } from '../produce/producer-sink.ts';
import { createRecordSources } from '../group/group-record-source.ts';
import { connectionTo, identityOf, type Installation } from './security.ts';

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
  readonly security: Security | undefined;
}

export function createClusters(installation: Installation): Clusters {
  const open = new Map<string, Cluster>();
  const clusterOf = ({ source: { access } }: Subscription): Cluster => {
    const identity = identityOf(access, installation);
    let cluster = open.get(identity);
    if (cluster === undefined) {
      const connection = connectionTo(access, installation);
      const kafka = createKafka(connection, installation.log);
      const security = connection === installation.own ? undefined : connection.security;
      const ready = security && ((): Promise<void> => security.credentials.ready());
      const createSource = createRecordSources({ kafka, ready });
      cluster = { createSource, sink: createRecordSink(kafka), security };
      open.set(identity, cluster);
    }
    return cluster;
  };
  return {
    createSource: (subscription, listener) => clusterOf(subscription).createSource(subscription, listener),
    sinkOf: (subscription) => clusterOf(subscription).sink,
    close: async () => {
      await Promise.all([...open.values()].map(({ sink }) => sink.close()));
      await Promise.all([...open.values()].flatMap(({ security }) => security?.close() ?? []));
    },
  };
}
