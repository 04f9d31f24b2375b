// What a member commits, plainly or in a transaction, and what the group may have from it since: `Assigned.ours`.
import type { OutgoingRecord } from '../../contract/record-sink.ts';
import {
  CommitRefused,
  type PartitionProgress,
  type TransactionOutcome,
} from '../../contract/record-source.ts';
import { maxMarkBytes, minMarkBytes } from '../../contract/marks/progress-mark.ts';
import { partitionName } from '../../contract/record.ts';
import type { Assigned } from './assigned-partition.ts';
import { commitByTopic } from './commit-by-topic.ts';
import type { GroupConsumer } from './group-consumer.ts';
import { progressText } from '../offsets/start-offsets.ts';
import type { Transactions } from '../produce/transactions.ts';

export interface SourceCommitsOptions {
  readonly assigned: ReadonlyMap<string, Assigned>;
  /** Throws where the group takes no commits from us at present. */
  readonly member: () => GroupConsumer;
  /**
   * Offsets are being looked up, to be compared with what is ours: what was committed since the look began stays ours until it
   * has ended, for it may have seen any of it.
   */
  readonly isComparing: () => boolean;
  /** Where replies are transactional. */
  readonly transactions: Transactions | undefined;
  /** Somebody else has committed: the partition is to be opened anew. */
  readonly onForeign: (assigned: Assigned) => void;
}

export class SourceCommits {
  readonly #options: SourceCommitsOptions;
  #markBytes = maxMarkBytes;

  constructor(options: SourceCommitsOptions) {
    this.#options = options;
  }

  get markBytes(): number {
    return this.#markBytes;
  }

  async commit(progress: readonly PartitionProgress[]): Promise<void> {
    const member = this.#options.member();
    const due = progress
      .map((one) => ({
        one,
        text: progressText(one),
        assigned: this.#options.assigned.get(partitionName(one)),
      }))
      .filter(({ assigned }) => assigned?.isVoid !== true);
    if (due.length === 0) return;
    for (const { text, assigned } of due) assigned?.ours.add(text);
    let refused: ReadonlyMap<string, unknown>;
    try {
      refused = await commitByTopic(
        due.map(({ one }) => one),
        (some) => member.commit(some),
      );
    } catch (error) {
      this.#adapt(error);
      throw error;
    }
    for (const { one, text, assigned } of due)
      if (assigned !== undefined && !refused.has(one.topic)) this.#committed(assigned, text);
    const [error] = refused.values();
    if (error === undefined) return;
    const stored = due.map(({ one }) => one).filter(({ topic }) => !refused.has(topic));
    throw new CommitRefused(new Set(refused.keys()), stored, error);
  }

  #committed(assigned: Assigned, text: string): void {
    assigned.ours = this.#options.isComparing() ? new Set(assigned.ours).add(text) : new Set([text]);
  }

  /** Never rejects. */
  async commitWith(
    progress: PartitionProgress,
    records: readonly OutgoingRecord[],
  ): Promise<TransactionOutcome> {
    const { transactions, onForeign } = this.#options;
    const name = partitionName(progress);
    const assigned = this.#options.assigned.get(name);
    if (assigned === undefined || assigned.isVoid || transactions === undefined) return notOurs;
    try {
      this.#options.member();
    } catch (error) {
      return { kind: 'aborted', error: error as Error };
    }
    const text = progressText(progress);
    const before = assigned.ours;
    assigned.ours = new Set(before).add(text);
    const isOver = (): boolean => this.#options.assigned.get(name) !== assigned;
    const outcome = await transactions.run({ progress, records, ours: before, isOver });
    if (outcome.kind === 'committed') this.#committed(assigned, text);
    else assigned.ours = before;
    if (outcome.kind === 'aborted') this.#adapt(outcome.error);
    if (outcome.kind !== 'foreign') return outcome;
    if (!isOver()) onForeign(assigned);
    return { kind: 'aborted', error: new Error('another member has committed meanwhile') };
  }

  /** Brokers whose `offset.metadata.max.bytes` is lower than the default get shorter progress marks. */
  #adapt(error: unknown): void {
    const isTooLarge =
      error instanceof Error && 'type' in error && error.type === 'OFFSET_METADATA_TOO_LARGE';
    if (isTooLarge) this.#markBytes = Math.max(minMarkBytes, this.#markBytes / 2);
  }
}

const notOurs = { kind: 'aborted', error: new Error('the partition is not open') } as const;
