// The transactions of one member of a group: a transactional producer for each partition that it has. Whoever opens a partition
// fences its last owner first, and reads only then where the group stands; whoever lost a producer does the same before it
// goes on, so that what is stored with a commit is stored once (docs/decisions/0012-transactional-replies.md).
import type { Kafka } from 'kafkajs';
import type { OutgoingRecord } from '../../contract/record-sink.ts';
import type { PartitionProgress, TransactionOutcome } from '../../contract/record-source.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import { askForCoordinator, explainCoordinator } from '../group/member-refusal.ts';
import { createOffsetConnections, type OffsetConnections } from '../connection/broker-connections.ts';
import type { CommittedOffset } from '../connection/wire-requests.ts';
import { sleep } from '../group/sleep.ts';
import { readStableOffsets } from '../offsets/stable-offsets.ts';
import { progressText } from '../offsets/start-offsets.ts';
import { openTransactionalProducer, type TransactionalProducer } from './transactional-producer.ts';

export interface TransactionsOptions {
  readonly kafka: Kafka;
  readonly groupId: string;
  /** Until then, in ms of `performance.now()`, nobody else can have been given our partitions; later, nobody is to be fenced. */
  readonly leaseEndMs: () => number;
}

/** One attempt, as the owner of the partition sees it. */
export interface TransactionAttempt {
  readonly progress: PartitionProgress;
  readonly records: readonly OutgoingRecord[];
  /** What the group may have from us (progressText) when it begins. */
  readonly ours: ReadonlySet<string>;
  /** The partition is closed. */
  readonly isOver: () => boolean;
}

/** `foreign`: somebody else has committed. The partition is to be opened anew. */
export type AttemptOutcome = TransactionOutcome | { readonly kind: 'foreign' };

/** Pauses between two tries to get a producer back, in ms. */
const recoverMs = { first: 50, longest: 1_000 };

/**
 * Unique: a topic has no colon in its name. Only one member has a partition, so the id needs no member; and because the next
 * owner takes the same one, it fences the last.
 */
export function transactionalIdOf(groupId: string, { topic, partition }: TopicPartition): string {
  return `millrace:${groupId}:${topic}:${partition}`;
}

export class Transactions {
  readonly #options: TransactionsOptions;
  readonly #producers = new Map<string, TransactionalProducer>();
  readonly #connections: OffsetConnections;
  readonly #closing = new Set<Promise<void>>();
  readonly #abort = new AbortController();

  constructor(options: TransactionsOptions) {
    this.#options = options;
    this.#connections = createOffsetConnections({ kafka: options.kafka, seeds: 3, requestTimeoutMs: 5_000 });
  }

  /**
   * Resolves when the last owner of each is fenced, and whatever it had under way is committed or aborted for everybody to see.
   * Rejects when Kafka does not answer, or does not let us.
   */
  async open(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return;
    const { groupId } = this.#options;
    const opened = partitions.map(async (partition) => {
      const producer = await this.#openProducer(transactionalIdOf(groupId, partition));
      this.close(partition);
      if (this.#abort.signal.aborted) this.#end(producer);
      else this.#producers.set(partitionName(partition), producer);
    });
    const failed = (await Promise.allSettled(opened)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
    await this.#readStable(partitions);
  }

  #openProducer(id: string): Promise<TransactionalProducer> {
    return openTransactionalProducer(this.#options.kafka, id).catch(async (error: unknown) => {
      throw await explainCoordinator(error, () =>
        askForCoordinator(this.#connections, 'transactional id', id),
      );
    });
  }

  /** Never rejects. Resolves late where the outcome is not known, and nobody answers. */
  async run(attempt: TransactionAttempt): Promise<AttemptOutcome> {
    const { progress, records, ours, isOver } = attempt;
    let producer = this.#producers.get(partitionName(progress));
    if (producer === undefined || producer.isSpent) {
      const found = await this.#recover(attempt);
      producer = this.#producers.get(partitionName(progress));
      if (found === undefined || producer === undefined) return closed;
      if (!ours.has(found)) return { kind: 'foreign' };
    }
    const end = await producer.run(this.#options.groupId, progress, records);
    if (end.kind !== 'unknown') return end;
    const found = await this.#recover(attempt);
    if (found === undefined || isOver()) return closed;
    if (found === progressText(progress)) return { kind: 'committed', storedAt: end.storedAt };
    return ours.has(found) ? { kind: 'aborted', error: end.error } : { kind: 'foreign' };
  }

  close(partition: TopicPartition): void {
    const name = partitionName(partition);
    const producer = this.#producers.get(name);
    this.#producers.delete(name);
    if (producer !== undefined) this.#end(producer);
  }

  /** Of all partitions, for good. */
  async closeAll(): Promise<void> {
    this.#abort.abort();
    for (const producer of this.#producers.values()) this.#end(producer);
    this.#producers.clear();
    await Promise.all([...this.#closing, this.#connections.close()]);
  }

  /**
   * A producer in place of the last one, which fences it; then what the group has, as progressText: from here on only we can
   * change it by a transaction. Tries until it succeeds; undefined when the partition is closed.
   */
  async #recover({ progress, isOver }: TransactionAttempt): Promise<string | undefined> {
    for (let delayMs = recoverMs.first; ; delayMs = Math.min(delayMs * 2, recoverMs.longest)) {
      if (isOver() || this.#abort.signal.aborted) return undefined;
      if (this.#isLeased()) {
        const found = await this.#reopen(progress).catch(() => undefined);
        // What was read while the lease was over may be old by now.
        if (found !== undefined && this.#isLeased()) return isOver() ? undefined : found;
      }
      await sleep(delayMs, this.#abort.signal);
    }
  }

  async #reopen({ topic, partition }: PartitionProgress): Promise<string> {
    await this.open([{ topic, partition }]);
    const [found] = await this.#readStable([{ topic, partition }]);
    if (found === undefined) throw new Error('Kafka does not say what the group has');
    return progressText(found);
  }

  #readStable(partitions: readonly TopicPartition[]): Promise<readonly CommittedOffset[]> {
    return readStableOffsets(this.#connections, this.#options.groupId, partitions, this.#abort.signal);
  }

  #isLeased(): boolean {
    return performance.now() < this.#options.leaseEndMs();
  }

  #end(producer: TransactionalProducer): void {
    const closing = producer.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

const closed = { kind: 'aborted', error: new Error('the partition is closed') } as const;
