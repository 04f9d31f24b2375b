// One assigned partition of a running trigger: its ledger, its lanes, and how much of it lies in memory.
import { encodeMark } from '../contract/progress-mark.ts';
import { partitionName, type TopicPartition } from '../contract/record.ts';
import type { LaneGroup } from '../delivery/lanes.ts';
import { Ledger } from '../settlement/ledger.ts';

/** What may lie in memory: of one trigger, or one partition of it. */
export interface Budget {
  readonly records: number;
  readonly bytes: number;
}

/** How many offsets more there must be below the ledger's horizon before fetching goes on. */
const resumeOffsets = 512n;

/** `T`: what its lanes hold. */
export class OpenPartition<T> implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly name: string;
  readonly ledger: Ledger;
  readonly lanes: LaneGroup<T>;
  /** False once it is another member's: nothing of it is settled any more. */
  open = true;
  paused = false;
  /** Records and bytes that are not settled and lie in memory. */
  records = 0;
  bytes = 0;
  /** The highest offset that was attempted; -1 where none was. All below it should be settled before this member leaves. */
  reached = -1n;

  constructor({ topic, partition }: TopicPartition, nextOffset: bigint, lanes: LaneGroup<T>) {
    this.topic = topic;
    this.partition = partition;
    this.name = partitionName({ topic, partition });
    this.ledger = new Ledger(nextOffset);
    this.lanes = lanes;
  }

  /** What the group is to know of it. */
  progress(): { readonly offset: bigint; readonly metadata: string } {
    const offset = this.ledger.position;
    return { offset, metadata: encodeMark(offset, this.ledger.mark([], undefined)) };
  }

  /** True where no more should be fetched for now: memory is full, or what comes next could not be attempted anyway. */
  isOver(budget: Budget): boolean {
    return (
      this.records >= budget.records || this.bytes >= budget.bytes || this.ledger.end >= this.ledger.horizon()
    );
  }

  /** True where fetching may go on: half of each limit is free, so that it does not stop and go with each record. */
  isUnder(budget: Budget): boolean {
    return (
      this.records * 2 <= budget.records &&
      this.bytes * 2 <= budget.bytes &&
      this.ledger.end + resumeOffsets <= this.ledger.horizon()
    );
  }
}
