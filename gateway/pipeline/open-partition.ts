// One assigned partition of a running trigger: its ledger, its lanes, how much of it is in memory, and what to commit of it.
import type { PartitionProgress } from '../../core/contract/record-source.ts';
import { decodeMark, encodeMark, maxMarkBytes } from '../../core/contract/progress-mark.ts';
import { partitionName, type TopicPartition } from '../../core/contract/record.ts';
import type { LaneGroup, ParkedCount } from '../delivery/lanes.ts';
import type { Committable } from '../settlement/committer.ts';
import { Ledger } from '../settlement/ledger.ts';
import type { Outbox } from '../settlement/outbox.ts';

/** How much of one trigger, or of one of its partitions, may be in memory. */
export interface Budget {
  readonly records: number;
  readonly bytes: number;
}

const nothingParked: ParkedCount = { lanes: 0, items: 0, bytes: 0 };

/** `T`: the items of its lanes. */
export class OpenPartition<T> implements Committable {
  readonly topic: string;
  readonly partition: number;
  readonly name: string;
  readonly ledger: Ledger;
  readonly lanes: LaneGroup<T>;
  /** False once another member may own it: no record of it may be settled any more. */
  open = true;
  paused = false;
  /** Too much of it waits behind failures: see `paused-partitions.ts`. */
  congested = false;
  /** Records and bytes in memory that are not settled. */
  records = 0;
  bytes = 0;
  /** How many records are under way: see `PendingRecord.isUnderWay`. */
  underWay = 0;
  /** Open offset → attempts made. */
  readonly attempts = new Map<bigint, number>();
  /** Present where replies are transactional. */
  outbox: Outbox | undefined;
  readonly #partitionCount: number | undefined;
  readonly #markBytes: () => number;
  /** Fetched records beyond the horizon: if they were settled now, the progress mark would have no room to say so. */
  #ahead: { readonly offset: bigint; readonly key: Buffer | null; readonly item: T }[] = [];
  #horizon = 0n;

  constructor(
    { topic, partition }: TopicPartition,
    { offset, metadata }: Pick<PartitionProgress, 'offset' | 'metadata'>,
    lanes: LaneGroup<T>,
    markBytes: () => number = () => maxMarkBytes,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.name = partitionName({ topic, partition });
    const mark = decodeMark(offset, metadata);
    this.ledger = new Ledger(offset, mark);
    this.#partitionCount = mark.partitions;
    this.lanes = lanes;
    this.#markBytes = markBytes;
  }

  /** The progress to commit now. `settling`: open offsets that this commit will settle. */
  progress(settling: ReadonlySet<bigint> = new Set()): PartitionProgress {
    const { topic, partition, ledger, attempts } = this;
    const offset = ledger.positionWith(settling);
    const mark = ledger.mark(attempts, this.#partitionCount, this.#markBytes(), settling);
    return { topic, partition, offset, metadata: encodeMark(offset, mark, this.#markBytes()) };
  }

  /** Puts a tracked record into its lane once the progress mark has room for its settlement. */
  add(offset: bigint, key: Buffer | null, item: T): void {
    if (this.#ahead.length === 0 && this.#isWithinHorizon(offset)) this.lanes.add(key, item);
    else this.#ahead.push({ offset, key, item });
  }

  /** A record was settled: records beyond the horizon may be within it now. */
  catchUp(): void {
    if (this.#ahead.length === 0) return;
    let count = 0;
    for (const { offset, key, item } of this.#ahead) {
      if (!this.#isWithinHorizon(offset)) break;
      this.lanes.add(key, item);
      count += 1;
    }
    if (count > 0) this.#ahead = this.#ahead.slice(count);
  }

  /** True while records wait that the progress mark has no room for yet. */
  get isBeyondHorizon(): boolean {
    return this.#ahead.length > 0;
  }

  /** True for a record that is fetched and not in its lane yet. */
  isAhead(offset: bigint): boolean {
    return this.#ahead.some((one) => one.offset === offset);
  }

  /** What waits behind failures while other lanes go on. Nothing under `ordering: partition`, which has no other lane. */
  get parked(): ParkedCount {
    return this.lanes.isWhole ? nothingParked : this.lanes.parked;
  }

  #isWithinHorizon(offset: bigint): boolean {
    if (offset < this.#horizon) return true;
    this.#horizon = this.ledger.horizon(this.#markBytes());
    return offset < this.#horizon;
  }
}
