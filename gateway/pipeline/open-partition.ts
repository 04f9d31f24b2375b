// One assigned partition of a running trigger: its ledger, its lanes, how much of it lies in memory, and what of it is to be
// committed.
import type { PartitionProgress } from '../../core/contract/record-source.ts';
import { decodeMark, encodeMark, maxMarkBytes } from '../../core/contract/progress-mark.ts';
import { partitionName, type TopicPartition } from '../../core/contract/record.ts';
import type { LaneGroup, ParkedCount } from '../delivery/lanes.ts';
import type { Committable } from '../settlement/committer.ts';
import { Ledger } from '../settlement/ledger.ts';
import type { Outbox } from '../settlement/outbox.ts';

/** What may lie in memory: of one trigger, or one partition of it. */
export interface Budget {
  readonly records: number;
  readonly bytes: number;
}

const nothingParked: ParkedCount = { lanes: 0, items: 0, bytes: 0 };

/** `T`: what its lanes hold. */
export class OpenPartition<T> implements Committable {
  readonly topic: string;
  readonly partition: number;
  readonly name: string;
  readonly ledger: Ledger;
  readonly lanes: LaneGroup<T>;
  /** False once it is another member's: nothing of it is settled any more. */
  open = true;
  paused = false;
  /** Too much of it waits behind failures: see `paused-partitions.ts`. */
  congested = false;
  /** Records and bytes that are not settled and lie in memory. */
  records = 0;
  bytes = 0;
  /** How many deliveries are under way: see `PendingRecord.isUnderWay`. */
  underWay = 0;
  /** Offset → attempts made, of what is open. */
  readonly attempts = new Map<bigint, number>();
  /** Where replies are transactional. */
  outbox: Outbox | undefined;
  readonly #partitionCount: number | undefined;
  readonly #markBytes: () => number;
  /** Fetched, and beyond the horizon: were it settled now, the progress mark would have no room to say so. */
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

  /** What is to be committed now; `settling`: together with what settles these open offsets. */
  progress(settling: ReadonlySet<bigint> = new Set()): PartitionProgress {
    const { topic, partition, ledger, attempts } = this;
    const offset = ledger.positionWith(settling);
    const mark = ledger.mark(attempts, this.#partitionCount, this.#markBytes(), settling);
    return { topic, partition, offset, metadata: encodeMark(offset, mark, this.#markBytes()) };
  }

  /** Puts what was tracked into its lane, as soon as the progress mark will have room for its settlement. */
  add(offset: bigint, key: Buffer | null, item: T): void {
    if (this.#ahead.length === 0 && this.#isWithinHorizon(offset)) this.lanes.add(key, item);
    else this.#ahead.push({ offset, key, item });
  }

  /** Something was settled: what lay ahead of the horizon may lie within it now. */
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

  /** True for what was fetched and is not in its lane yet. */
  isAhead(offset: bigint): boolean {
    return this.#ahead.some((one) => one.offset === offset);
  }

  /** What of it waits behind failures while the rest goes on; under `ordering: partition` there is no rest. */
  get parked(): ParkedCount {
    return this.lanes.isWhole ? nothingParked : this.lanes.parked;
  }

  #isWithinHorizon(offset: bigint): boolean {
    if (offset < this.#horizon) return true;
    this.#horizon = this.ledger.horizon(this.#markBytes());
    return offset < this.#horizon;
  }
}
