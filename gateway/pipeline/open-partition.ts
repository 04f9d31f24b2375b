// One assigned partition of a running trigger: its ledger, its lanes, how much of it is in memory, and what to commit of it.
import type { PartitionProgress } from '../../core/contract/record-source.ts';
import {
  decodeMark,
  encodeMark,
  maxMarkBytes,
  type MarkedLog,
} from '../../core/contract/marks/progress-mark.ts';
import { partitionName, type TopicPartition } from '../../core/contract/record.ts';
import type { LaneGroup, ParkedCount } from '../delivery/lanes.ts';
import type { Committable } from '../settlement/committer.ts';
import { Ledger } from '../settlement/ledger.ts';
import type { Outbox } from '../settlement/outbox.ts';

/** How much of one trigger, or of one of its partitions, is or may be in memory. */
export interface Budget {
  readonly records: number;
  readonly bytes: number;
}

/** What is in memory of all partitions of a trigger. */
export interface Usage {
  records: number;
  bytes: number;
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
  /** A batch that cannot be read is being skipped: see `unreadable-batches.ts`. */
  isPassing = false;
  /** How many records are under way: see `PendingRecord.isUnderWay`. */
  underWay = 0;
  /** Open offset → attempts made. */
  readonly attempts = new Map<bigint, number>();
  /** Open offsets whose records block their lanes. */
  readonly blocked = new Set<bigint>();
  /** Present where replies are transactional. */
  outbox: Outbox | undefined;
  readonly #partitionCount: number | undefined;
  /** As the mark of its opening names it, in the latest leader epoch that records came from: all that is tracked was in the log then. */
  #log: MarkedLog | undefined;
  readonly #markBytes: () => number;
  readonly #total: Usage;
  #records = 0;
  #bytes = 0;
  /** Fetched records beyond the horizon: if they were settled now, the progress mark would have no room to say so. */
  #ahead: { readonly offset: bigint; readonly key: Buffer | null; readonly item: T }[] = [];
  #horizon = 0n;

  constructor(
    { topic, partition }: TopicPartition,
    { offset, metadata }: Pick<PartitionProgress, 'offset' | 'metadata'>,
    lanes: LaneGroup<T>,
    markBytes: () => number = () => maxMarkBytes,
    total: Usage = { records: 0, bytes: 0 },
  ) {
    this.#total = total;
    this.topic = topic;
    this.partition = partition;
    this.name = partitionName({ topic, partition });
    const mark = decodeMark(offset, metadata);
    this.ledger = new Ledger(offset, mark);
    this.#partitionCount = mark.partitions;
    this.#log = mark.log;
    this.lanes = lanes;
    this.#markBytes = markBytes;
  }

  /** Records in memory that are not settled. */
  get records(): number {
    return this.#records;
  }

  set records(records: number) {
    if (this.open) this.#total.records += records - this.#records;
    this.#records = records;
  }

  /** Of these records, and of replies that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  set bytes(bytes: number) {
    if (this.open) this.#total.bytes += bytes - this.#bytes;
    this.#bytes = bytes;
  }

  /** Another member may own it from now on. What is left of it is for nobody. */
  close(): void {
    this.records = this.bytes = 0;
    this.open = false;
  }

  /** The progress to commit now. `settling`: open offsets that this commit will settle. */
  progress(settling: ReadonlySet<bigint> = new Set()): PartitionProgress {
    const { topic, partition, ledger, attempts } = this;
    const offset = ledger.positionWith(settling);
    const mark = ledger.mark(attempts, this.#partitionCount, this.#markBytes(), settling);
    const blocked = [...this.blocked].filter((one) => !settling.has(one)).sort((a, b) => (a < b ? -1 : 1));
    const metadata = encodeMark(offset, { ...mark, blocked, log: this.#log }, this.#markBytes());
    const leaderEpoch = this.#log?.epoch;
    return { topic, partition, offset, metadata, ...(leaderEpoch !== undefined && { leaderEpoch }) };
  }

  /** Records came that were written in this leader epoch. */
  noteEpoch(leaderEpoch: number | undefined): void {
    if (this.#log === undefined || leaderEpoch === undefined) return;
    if (leaderEpoch > (this.#log.epoch ?? -1)) this.#log = { ...this.#log, epoch: leaderEpoch };
  }

  /** Puts a tracked record into its lane once the progress mark has room for its settlement. */
  add(offset: bigint, key: Buffer | null, item: T): void {
    if (this.hasRoomFor(offset)) this.lanes.add(key, item);
    else this.#ahead.push({ offset, key, item });
  }

  /** True where a record of this offset would go into its lane at once. */
  hasRoomFor(offset: bigint): boolean {
    return this.#ahead.length === 0 && this.#isWithinHorizon(offset);
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
