// The Kafka that a command works with: the one that KAFKA_BROKERS names, or one of our own for as long as the command runs.
import { createKafka } from '../../core/kafka/connection/kafka-client.ts';
import { createMissingTopics } from '../../core/kafka/connection/topics.ts';
import { startLocalKafka } from '../kafka/local-kafka.ts';

export interface UsedKafka {
  /** As KAFKA_BROKERS wants it; empty where the file at `configPath` says it. */
  readonly bootstrapServers: string;
  /** As KAFKA_CONFIG wants it. */
  readonly configPath?: string | undefined;
  /** Ours to make topics in, and to end. */
  readonly isOurs: boolean;
  /** Resolves when a broker of ours died by itself; never for the others. */
  readonly died: Promise<void>;
  stop(): Promise<void>;
}

export interface OwnKafkaOptions {
  /** Keeps the records for the next run; a temporary folder when absent. */
  readonly dir?: string | undefined;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

export function foreignKafka(bootstrapServers: string, configPath?: string): UsedKafka {
  return {
    bootstrapServers,
    configPath,
    isOurs: false,
    died: new Promise(() => undefined),
    stop: async () => undefined,
  };
}

/**
 * Starts a broker; the first one ever is installed before. Rejects with the reason of `signal` as soon as that aborts:
 * what had begun by then is ended by its watchers when this process exits, which it should do at once.
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
    isOurs: true,
    died: Promise.race(deaths),
    stop: () => kafka.stop(),
  };
}

/** Creates those of `topics` that do not exist; tells which those were. */
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

/** The broker's own lines begin with a time; those about it are words. */
function onlyOurLines(log: (line: string) => void): (line: string) => void {
  return (line) => {
    if (/^[a-z]/.test(line)) log(line);
  };
}
