// One partition that this member of the group has, from its opening to its close.
import type { TopicPartition } from '../../contract/record.ts';
import type { GroupConsumer } from './group-consumer.ts';

export interface Assigned extends TopicPartition {
  readonly name: string;
  /** The next offset to fetch. */
  position: bigint;
  /** Of the last record that was handed over, in ms since 1970. */
  lastTimestampMs: number | undefined;
  paused: boolean;
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

export function fetchFrom(member: GroupConsumer, assigned: Assigned): void {
  member.seek(assigned, assigned.position);
  if (!assigned.paused) member.resume([assigned]);
}
