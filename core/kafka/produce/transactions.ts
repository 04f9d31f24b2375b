// The transactions of one member of a group: a transactional producer for each partition that it has. Whoever opens a partition
// fences its last owner first, and reads only then where the group stands; whoever lost a producer does the same before it
// goes on, so that what is stored with a commit is stored once (docs/decisions/0012-transactional-replies.md).
import type { OutgoingRecord } from '../../contract/record-sink.ts';
import type { PartitionProgress, TransactionOutcome } from '../../contract/record-source.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import type { Connections } from '../connection/broker-connections.ts';
import type { Topology } from '../connection/topology.ts';
import type { CommittedOffset } from '../protocol/wire-requests.ts';
import type { MemberIdentity } from '../group/membership.ts';
import { sleep } from '../connection/sleep.ts';
import { readStableOffsets } from '../offsets/stable-offsets.ts';
import { progressText } from '../offsets/start-offsets.ts';
import { openTransactionalProducer, type TransactionalProducer } from './transactional-producer.ts';

export interface TransactionsOptions {
  readonly connections: Connections;
  readonly topology: Topology;
  readonly groupId: string;
  /** Until then, in ms of `performance.now()`, nobody else can have been given our partitions; later, nobody is to be fenced. */
  readonly leaseEndMs: () => number;
  /** Who we are to the group: what it does not know as its member commits nothing. Absent: only producers fence each other. */
  readonly identity?: (() => MemberIdentity | undefined) | undefined;
  /** Told of why nothing of a partition can be stored, where that lasts; of nothing when it is over. Must not throw. */
  readonly onTrouble?: ((partition: TopicPartition, error?: unknown) => void) | undefined;
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

/** Pauses between two tries to get a producer back, in ms; what is over within `quiet` is not told. */
const recoverMs = { first: 50, longest: 1_000, quiet: 1_000 };
/** How many producers are opened side by side: their coordinator answers one after the other. */
const openAtOnce = 50;
/** Connecting included, in ms. */
const findLimitMs = 15_000;

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
  readonly #abort = new AbortController();

  constructor(options: TransactionsOptions) {
    this.#options = options;
  }

  /** By the broker that coordinates their transactions: one that does not answer holds up its own alone. Rejects where no broker answers. */
  async shares(partitions: readonly TopicPartition[]): Promise<(readonly TopicPartition[])[]> {
    const { groupId, topology } = this.#options;
    const idOf = (partition: TopicPartition): string => transactionalIdOf(groupId, partition);
    const deadlineMs = performance.now() + findLimitMs;
    const found = await topology.coordinators(partitions.map(idOf), deadlineMs, 'transactional id');
    const shares = Map.groupBy(partitions, (partition) => {
      const coordinator = found.get(idOf(partition));
      return coordinator === undefined || 'error' in coordinator ? undefined : coordinator.nodeId;
    });
    return [...shares.values()];
  }

  /**
   * Resolves when the last owner of each is fenced, and whatever it had under way is committed or aborted for everybody to see: with why
   * that is not so, by the names of those of which it is not.
   */
  async open(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, unknown>> {
    const failures = new Map<string, unknown>();
    const attempt = (work: (one: TopicPartition) => Promise<unknown>) => async (one: TopicPartition) => {
      await work(one).catch((error: unknown) => failures.set(partitionName(one), error));
    };
    await atMost(
      openAtOnce,
      partitions,
      attempt((one) => this.#openOne(one)),
    );
    const opened = partitions.filter((one) => !failures.has(partitionName(one)));
    if (opened.length === 0) return failures;
    // Where one is not stable, the others are asked for alone.
    await this.#readStable(opened).catch(() =>
      atMost(
        openAtOnce,
        opened,
        attempt((one) => this.#readStable([one])),
      ),
    );
    return failures;
  }

  async #openOne(partition: TopicPartition): Promise<void> {
    const { connections, topology, groupId } = this.#options;
    const transactionalId = transactionalIdOf(groupId, partition);
    const producer = await openTransactionalProducer({ connections, topology, groupId, transactionalId });
    this.close(partition);
    if (!this.#abort.signal.aborted) this.#producers.set(partitionName(partition), producer);
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
    const end = await producer.run(progress, records, this.#options.identity?.());
    if (end.kind !== 'unknown') return end;
    const found = await this.#recover(attempt);
    if (found === undefined || isOver()) return closed;
    if (found === progressText(progress)) return { kind: 'committed', storedAt: end.storedAt };
    return ours.has(found) ? { kind: 'aborted', error: end.error } : { kind: 'foreign' };
  }

  close(partition: TopicPartition): void {
    const name = partitionName(partition);
    this.#producers.get(name)?.close();
    this.#producers.delete(name);
  }

  /** Of all partitions, for good. */
  closeAll(): void {
    this.#abort.abort();
    for (const producer of this.#producers.values()) producer.close();
    this.#producers.clear();
  }

  /**
   * A producer in place of the last one, which fences it; then what the group has, as progressText: from here on only we can
   * change it by a transaction. Tries until it succeeds; undefined when the partition is closed.
   */
  async #recover({ progress, isOver }: TransactionAttempt): Promise<string | undefined> {
    const { onTrouble } = this.#options;
    const quietUntilMs = performance.now() + recoverMs.quiet;
    try {
      for (let delayMs = recoverMs.first; ; delayMs = Math.min(delayMs * 2, recoverMs.longest)) {
        if (isOver() || this.#abort.signal.aborted) return undefined;
        if (this.#isLeased()) {
          const found = await this.#reopen(progress).catch((error: unknown) => {
            if (performance.now() >= quietUntilMs) onTrouble?.(progress, error);
            return undefined;
          });
          // What was read while the lease was over may be old by now.
          if (found !== undefined && this.#isLeased()) return isOver() ? undefined : found;
        }
        await sleep(delayMs, this.#abort.signal);
      }
    } finally {
      onTrouble?.(progress);
    }
  }

  async #reopen({ topic, partition }: PartitionProgress): Promise<string> {
    const [failure] = (await this.open([{ topic, partition }])).values();
    if (failure !== undefined) throw new Error('no producer', { cause: failure });
    const [found] = await this.#readStable([{ topic, partition }]);
    if (found === undefined) throw new Error('Kafka does not say what the group has');
    return progressText(found);
  }

  #readStable(partitions: readonly TopicPartition[]): Promise<readonly CommittedOffset[]> {
    const { connections, groupId } = this.#options;
    return readStableOffsets(connections, groupId, partitions, this.#abort.signal);
  }

  #isLeased(): boolean {
    return performance.now() < this.#options.leaseEndMs();
  }
}

/** `work` does not reject. */
async function atMost<T>(
  count: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const workLeft = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(count, items.length) }, workLeft));
}

const closed = { kind: 'aborted', error: new Error('the partition is closed') } as const;
