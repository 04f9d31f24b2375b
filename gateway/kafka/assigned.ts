// One partition that this member of the group has, from its opening to its close.
import type { TopicPartition } from '../contract/record.ts';
import type { GroupConsumer } from './group-consumer.ts';

export interface Assigned extends TopicPartition {
  readonly name: string;
  /** The next offset to fetch. */
  position: bigint;
  paused: boolean;
  /**
   * What the group may have from us: the commit that it is known to have taken, and those tried since, for of a commit that
   * was not answered nobody can tell. Anything else is somebody else's.
   */
  ours: Set<string>;
  /** Another member's soon: it is drained, and let go of. */
  leaving: boolean;
}

export function fetchFrom(member: GroupConsumer, assigned: Assigned): void {
  const { topic, partition, position, paused } = assigned;
  member.consumer.seek({ topic, partition, offset: String(position) });
  if (!paused) setFetching(member, [assigned], true);
}

export function setFetching(
  member: GroupConsumer,
  partitions: readonly TopicPartition[],
  fetching: boolean,
): void {
  const list = partitions.map(({ topic, partition }) => ({ topic, partitions: [partition] }));
  if (fetching) member.consumer.resume(list);
  else member.consumer.pause(list);
}
