// `millrace demo-feed`: the steps of the demo that need the brokers, and so must run inside the cluster. Each step is one pod.
import { readFile } from 'node:fs/promises';
import { createKafka } from '../../../core/kafka/administration/kafka-client.ts';
import { openCluster } from '../../../core/kafka/connection/clusters.ts';
import type { OpenedCluster } from '../../../core/contract/record-source.ts';
import { createMissingTopics, removeTopics } from '../../../core/kafka/administration/topic-admin.ts';
import type { CommandIo } from '../../command-io.ts';
import { brokersIn } from '../../commands/brokers.ts';
import { weekOf } from '../earthquakes.ts';
import { append, burstsOf } from '../replay-week.ts';
import { unpackEarthquakes } from './pack.ts';

/** `create` deletes and creates the topics, because a killed run may have left them. `append` stores a burst in the first topic. */
export type FeedStep = 'create' | 'append' | 'remove';

export interface FeedOptions {
  readonly step: FeedStep;
  readonly topics: readonly string[];
  /** Path of the packed earthquakes. */
  readonly earthquakes: string;
  /** Index of the burst, from 0. */
  readonly burst: number;
  readonly week: number;
}

const partitions = 6;

/** Prints `appended ID at TIME` for each record that is handed to Kafka. */
export async function runFeedCommand(options: FeedOptions, io: CommandIo): Promise<number> {
  const connection = { brokers: brokersIn(io.env), clientId: 'millrace-demo' };
  if (options.step === 'append') return appendBurst(options, openCluster(connection), io);
  const admin = createKafka(connection).admin();
  await admin.connect();
  try {
    await removeTopics(admin, options.topics);
    if (options.step === 'create') await createMissingTopics(admin, options.topics, partitions);
    return 0;
  } finally {
    await admin.disconnect();
  }
}

async function appendBurst(
  { topics: [topic = ''], earthquakes, burst: index, week }: FeedOptions,
  cluster: OpenedCluster,
  { stdout, signal }: CommandIo,
): Promise<number> {
  const burst = burstsOf(weekOf(unpackEarthquakes(await readFile(earthquakes)), week))[index];
  const onAppend = (id: string): void =>
    void stdout.write(`appended ${encodeURIComponent(id)} at ${new Date().toISOString()}\n`);
  try {
    if (burst !== undefined) await append(burst, { topic, sink: cluster.sink, onAppend, signal });
    return signal.aborted ? 130 : 0;
  } finally {
    await cluster.close();
  }
}
