// Stores records by an idempotent producer: what is written while a request is under way leaves with the next one, so that throughput does not
// hang on round trips, and each write learns its own place.
import type { OutgoingRecord, RecordSink, StoredAt } from '../../contract/record-sink.ts';
import { partitionName } from '../../contract/record.ts';
import type { Connections } from '../connection/broker-connections.ts';
import type { Topology } from '../connection/topology.ts';
import { sleep } from '../connection/sleep.ts';
import type { OffsetFailure } from '../offsets/offset-failures.ts';
import { BrokerRequests } from './broker-requests.ts';
import { requestBytes } from './outgoing.ts';
import { createPartitioner } from './partitioner.ts';
import { PartitionWriter, type PartitionWriterOptions, type Write } from './partition-writer.ts';
import { ProducerIds } from './producer-ids.ts';
import { LeaderLookup } from './leader-lookup.ts';
import type { TopicLeaders } from '../connection/topology.ts';
import { within } from '../connection/within.ts';
import { explainWrite } from './write-refusal.ts';

export interface RecordSinkOptions {
  readonly connections: Connections;
  readonly topology: Topology;
}

export interface KafkaRecordSink extends RecordSink {
  /** Waits some seconds for the writes under way: whatever fails after that is not tried again. The connections stay their owner's to close. */
  close(): Promise<void>;
}

export function createRecordSink(options: RecordSinkOptions): KafkaRecordSink {
  return new ProducerSink(options);
}

interface TopicQueue {
  unplaced: Write[];
  readonly partitionOf: ReturnType<typeof createPartitioner>;
}

/** How long a close waits for answers, in ms. */
const closeLimitMs = 5_000;
/** How long the partitions of a topic are looked for, and the pauses between two looks, in ms. */
const lookUpMs = { limit: 1_000, first: 100 };
/** Above so many partitions, those that have nothing to write are forgotten. */
const maxIdle = 5_000;

class ProducerSink implements KafkaRecordSink {
  readonly #abort = new AbortController();
  readonly #shared: PartitionWriterOptions;
  readonly #topics = new Map<string, TopicQueue>();
  readonly #writers = new Map<string, PartitionWriter>();
  readonly #placing = new Set<Promise<void>>();

  constructor({ connections, topology }: RecordSinkOptions) {
    const { signal } = this.#abort;
    this.#shared = {
      producers: new ProducerIds(connections),
      leaders: new LeaderLookup(topology),
      requests: new BrokerRequests(connections, signal),
      signal,
    };
  }

  write(record: OutgoingRecord): Promise<StoredAt> {
    const { promise, resolve, reject } = Promise.withResolvers<StoredAt>();
    const write = { record, bytes: requestBytes(record), resolve, reject };
    const queue = this.#topics.get(record.topic);
    if (queue !== undefined) queue.unplaced.push(write);
    else this.#begin(record.topic, write);
    return promise;
  }

  async close(): Promise<void> {
    await within(closeLimitMs, this.#settled());
    this.#abort.abort();
  }

  async #settled(): Promise<void> {
    for (let waits = this.#underWay(); waits.length > 0; waits = this.#underWay()) await Promise.all(waits);
  }

  #underWay(): Promise<void>[] {
    return [...this.#placing, ...[...this.#writers.values()].flatMap(({ running }) => running ?? [])];
  }

  #begin(topic: string, first: Write): void {
    const queue = { unplaced: [first], partitionOf: createPartitioner() };
    this.#topics.set(topic, queue);
    const placing = this.#place(topic, queue).finally(() => this.#placing.delete(placing));
    this.#placing.add(placing);
  }

  /** Never rejects. */
  async #place(topic: string, queue: TopicQueue): Promise<void> {
    while (queue.unplaced.length > 0) {
      const leaders = await this.#lookUp(topic);
      const writes = queue.unplaced;
      queue.unplaced = [];
      for (const write of writes) {
        if ('error' in leaders) write.reject(explainWrite(leaders.error, topic));
        else this.#writerOf(topic, queue.partitionOf(write.record.key, leaders)).write(write);
      }
    }
    // In the same step as the last look: what is written next starts anew.
    this.#topics.delete(topic);
  }

  /** A topic that was just made may not be known everywhere yet. */
  async #lookUp(topic: string): Promise<TopicLeaders | OffsetFailure> {
    const { leaders, signal } = this.#shared;
    const endMs = performance.now() + lookUpMs.limit;
    for (let delayMs = lookUpMs.first; ; delayMs *= 2) {
      const found = await leaders.ofTopic(topic);
      const isWorthIt = 'error' in found && (found.passing || found.error.code === 'MILLRACE_TOPIC_MISSING');
      if (!isWorthIt || signal.aborted || performance.now() >= endMs) return found;
      await sleep(delayMs, signal);
    }
  }

  #writerOf(topic: string, partition: number): PartitionWriter {
    const name = partitionName({ topic, partition });
    let writer = this.#writers.get(name);
    if (writer === undefined) {
      if (this.#writers.size >= maxIdle) this.#forgetIdle();
      writer = new PartitionWriter({ topic, partition }, this.#shared);
      this.#writers.set(name, writer);
    }
    return writer;
  }

  /** With them go their sequence numbers: so all begin anew, with another producer id. */
  #forgetIdle(): void {
    this.#shared.producers.renew();
    for (const [name, { running }] of this.#writers) if (running === undefined) this.#writers.delete(name);
  }
}
