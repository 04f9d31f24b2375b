// Batches that cannot be read. A partition waits before one until it can be read after all, or an operator skips it. Then the batch goes the
// way of one record that has its bytes, and nothing else of the partition is fetched until that is settled: so a mark never says of a part
// of the batch that it is settled before all of it is.
import type { GatewayEmitter } from '../../core/contract/gateway-events.ts';
import type { PartitionProgress, RecordSource } from '../../core/contract/record-source.ts';
import { recordBytes, type TopicPartition } from '../../core/contract/record.ts';
import {
  skipCommand,
  type BlockedRecord,
  type SkipAnswer,
  type UnreadableBatch,
} from '../../core/contract/skip.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { Budget, OpenPartition } from './open-partition.ts';
import { PendingRecord } from './pending-record.ts';

export interface UnreadableBatchesOptions {
  readonly subscription: Subscription;
  readonly source: RecordSource;
  readonly events: GatewayEmitter;
  /** How much of one partition may be in memory now. */
  readonly share: () => Budget;
  /** The partition has something new to commit. */
  readonly mark: (partition: Partition) => void;
  /** Whether the partition may be fetched has changed. */
  readonly updatePause: (partition: Partition) => void;
}

type Partition = OpenPartition<PendingRecord>;
type Refused = SkipAnswer & { kind: 'refused' };

interface Found {
  readonly batch: UnreadableBatch;
  readonly sinceMs: number;
}

/** The first batch that cannot be read, as `/v1/triggers` shows it. */
export interface FirstUnreadable extends TopicPartition {
  readonly offset: string;
  /** Absent where the batch does not tell. */
  readonly lastOffset?: string | undefined;
  readonly reason: string;
  /** The command that skips it. */
  readonly skip: string;
}

export class UnreadableBatches {
  readonly #options: UnreadableBatchesOptions;
  readonly #found = new Map<Partition, Found>();

  constructor(options: UnreadableBatchesOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#found.size;
  }

  get first(): FirstUnreadable | undefined {
    const [first] = this.#found.values();
    if (first === undefined) return undefined;
    const { topic, partition, offset, lastOffset, why } = first.batch;
    const last = lastOffset === undefined ? {} : { lastOffset: String(lastOffset) };
    const skip = skipCommand(this.#options.subscription.key, first.batch);
    return { topic, partition, offset: String(offset), ...last, reason: why, skip };
  }

  list(limit: number): BlockedRecord[] {
    return [...this.#found.values()].slice(0, limit).map(({ batch, sinceMs }) => ({
      topic: batch.topic,
      partition: batch.partition,
      offset: batch.offset,
      lastOffset: batch.lastOffset,
      keyBytes: undefined,
      cause: { reason: 'unreadable', detail: batch.why, attempts: 0 },
      sinceMs,
    }));
  }

  /** What the source has told last of the partition. */
  found(partition: Partition, batch: UnreadableBatch | undefined): void {
    // While it is passed, nothing is fetched, and what comes is of before.
    if (partition.isPassing) return;
    if (batch === undefined) {
      this.#found.delete(partition);
      return;
    }
    const { offset, lastOffset, bytes } = batch;
    if (lastOffset !== undefined && partition.ledger.areSettled(offset, lastOffset)) {
      partition.ledger.advance(lastOffset + 1n);
      this.#goOn(partition, lastOffset + 1n);
      this.#options.mark(partition);
      return;
    }
    const known = this.#found.get(partition);
    const isNew = known?.batch.offset !== offset || known.batch.lastOffset !== lastOffset;
    const room = Math.floor(this.#options.share().bytes);
    const kept = bytes.length > room ? { ...batch, bytes: Buffer.from(bytes.subarray(0, room)) } : batch;
    this.#found.set(partition, { batch: kept, sinceMs: isNew ? Date.now() : known.sinceMs });
    if (isNew) this.#options.events.emit('unreadable', this.#options.subscription, kept);
  }

  /** Records of the partition came: the batch was read after all. */
  read(partition: Partition): void {
    const known = this.#found.get(partition);
    if (known === undefined) return;
    this.#found.delete(partition);
    this.#options.events.emit('passed', this.#options.subscription, known.batch);
  }

  forget(partition: Partition): void {
    this.#found.delete(partition);
  }

  /**
   * Puts the batch that begins at `offset` into its lane, where it is skipped like a record. Undefined where no batch that cannot be read
   * has this offset, or it is in its lane already; else why it cannot be skipped now.
   */
  take(partition: Partition, offset: bigint): Refused | undefined {
    const batch = this.#found.get(partition)?.batch;
    if (batch === undefined || partition.isPassing || offset < batch.offset) return undefined;
    const { lastOffset } = batch;
    if (offset > (lastOffset ?? offset)) return undefined;
    if (lastOffset === undefined)
      return refused(
        'the batch there cannot be read, and does not tell where it ends: it can be passed later',
      );
    if (offset !== batch.offset) {
      const command = skipCommand(this.#options.subscription.key, batch);
      return refused(`it stands in a batch that cannot be read, and that is skipped as a whole: ${command}`);
    }
    if (!partition.hasRoomFor(offset))
      return refused(
        `too many records before it are not settled: the first is at ${partition.ledger.position}`,
      );
    this.#enqueue(partition, batch);
    return undefined;
  }

  #enqueue(partition: Partition, batch: UnreadableBatch): void {
    const { topic, partition: number, offset, bytes, why } = batch;
    partition.ledger.track(offset);
    partition.isPassing = true;
    this.#options.updatePause(partition);
    const place = { topic, partition: number, offset, timestampMs: Date.now() };
    const record = { ...place, key: null, value: bytes, headers: [] };
    const pending = new PendingRecord(partition, record, undefined, recordBytes(record));
    pending.batch = batch;
    pending.cause = { reason: 'unreadable', detail: why, attempts: 0 };
    partition.records += 1;
    partition.bytes += pending.bytes;
    partition.add(offset, null, pending);
  }

  /** The batch is settled: from now on, and not before, the partition is past all of it. */
  settled({ partition, batch }: PendingRecord): void {
    if (batch?.lastOffset === undefined) return;
    partition.ledger.advance(batch.lastOffset + 1n);
    partition.isPassing = false;
    this.read(partition);
    this.#goOn(partition, batch.lastOffset + 1n);
  }

  #goOn(partition: Partition, nextOffset: PartitionProgress['offset']): void {
    this.#found.delete(partition);
    this.#options.source.pass(partition, nextOffset);
  }
}

function refused(why: string): Refused {
  return { kind: 'refused', refusal: 'unreadable', why };
}
