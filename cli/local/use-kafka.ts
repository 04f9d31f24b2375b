// The Kafka that a command uses: the one that KAFKA_BROKERS names, or a local one for as long as the command runs.
import { createKafka } from '../../core/kafka/administration/kafka-client.ts';
import { createMissingTopics } from '../../core/kafka/administration/topic-admin.ts';
import { startLocalKafka } from '../kafka/local-kafka.ts';

export interface UsedKafka {
  /** In the format of KAFKA_BROKERS; empty if the file at `configPath` names the brokers. */
  readonly bootstrapServers: string;
  /** In the format of KAFKA_CONFIG. */
  readonly configPath?: string | undefined;
  /** True for a local Kafka, in which the command creates topics and which it stops. */
  readonly isLocal: boolean;
  /** Resolves when a local broker dies by itself; never for another Kafka. */
  readonly died: Promise<void>;
  stop(): Promise<void>;
}

export interface OwnKafkaOptions {
  /** Folder that keeps the records for the next run; a temporary folder if absent. */
  readonly dir?: string | undefined;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

export function foreignKafka(bootstrapServers: string, configPath?: string): UsedKafka {
  return {
    bootstrapServers,
    configPath,
    isLocal: false,
    died: new Promise(() => undefined),
    stop: async () => undefined,
  };
}

/**
 * Starts a local broker, and installs Kafka on first use. Rejects with the reason of `signal` as soon as that aborts. The process
 * should then exit at once: the watchers of a broker that was already starting end it when this process exits.
 */
export async function startOwnKafka({ dir, log, signal }: OwnKafkaOptions): Promise<UsedKafka> {
  const starting = startLocalKafka({ dir, log: onlyOurLines(log) });
  const aborted = new Promise<never>((_resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  const kafka = await Promise.race([starting, aborted]);
  const deaths = kafka.brokers.map(async ({ exited }) => {
    const { expected } = await exited;
    if (expected) await new Promise(() => undefined);
  });
  return {
    bootstrapServers: kafka.bootstrapServers,
    isLocal: true,
    died: Promise.race(deaths),
    stop: () => kafka.stop(),
  };
}

/** Creates those of `topics` that do not exist, and returns their names. */
export async function ensureTopics(
  bootstrapServers: string,
  topics: readonly string[],
  partitions: number,
): Promise<string[]> {
  const admin = createKafka({ brokers: bootstrapServers.split(','), clientId: 'millrace-cli' }).admin();
  await admin.connect();
  try {
    return await createMissingTopics(admin, topics, partitions);
  } finally {
    await admin.disconnect();
  }
}

/** Passes on only the installation's own lines. The lines of the broker begin with a time, these with a word. */
function onlyOurLines(log: (line: string) => void): (line: string) => void {
  return (line) => {
    if (/^[a-z]/.test(line)) log(line);
  };
}
