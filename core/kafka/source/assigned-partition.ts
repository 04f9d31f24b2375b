// One partition that this member of the group has, from its opening to its close.
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import { progressText, type StartOffset } from '../offsets/start-offsets.ts';
import type { GroupConsumer } from './group-consumer.ts';

export interface Assigned extends TopicPartition {
  readonly name: string;
  /** The client that opened it, and when, in ms of `performance.now()`. */
  readonly openedBy: GroupConsumer;
  readonly openedMs: number;
  /** The next offset to fetch. */
  position: bigint;
  /** Of the last record that was handed over, in ms since 1970. */
  lastTimestampMs: number | undefined;
  /** In which the log is known to have held all before the position; undefined where that is not known. */
  leaderEpoch: number | undefined;
  paused: boolean;
  /** It is not fetched until it is known what the group has of it: others may have had it. */
  isHeld: boolean;
  /**
   * What the group may have from us: the commit that it is known to have taken, and those tried since, for of a commit that
   * was not answered nobody can tell. Anything else is somebody else's.
   */
  ours: Set<string>;
  /** Another member's soon: it is drained, and let go of. */
  leaving: boolean;
  /** The topic was deleted and created again: what is under way is of the old one, and is not committed. */
  isVoid: boolean;
}

export function assignedFrom(start: StartOffset, member: GroupConsumer): Assigned {
  const { topic, partition, offset, leaderEpoch } = start;
  return {
    ...{ topic, partition, name: partitionName(start) },
    ...{ openedBy: member, openedMs: performance.now() },
    ...{ position: offset, lastTimestampMs: undefined, leaderEpoch },
    ...{ paused: false, isHeld: false, leaving: false, isVoid: false },
    ours: new Set([start.found ?? progressText(start), progressText(start)]),
  };
}

/**
 * Whether the log is known to have reached the position since it was opened. After a change of the client that is not known, and counts as
 * so: reading again loses nothing.
 */
export function wasInRange(assigned: Assigned, member: GroupConsumer): boolean {
  const { lastTimestampMs, openedBy, openedMs } = assigned;
  if (lastTimestampMs !== undefined || openedBy !== member) return true;
  return (member.answeredMs(assigned) ?? openedMs) > openedMs;
}

export function fetchFrom(member: GroupConsumer, assigned: Assigned): void {
  member.seek(assigned, assigned.position, assigned.leaderEpoch);
  if (!assigned.paused && !assigned.isHeld) member.resume([assigned]);
}
