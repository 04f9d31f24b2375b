// OffsetCommit, of a member by either protocol, or for a group that nobody is in.
import type { PartitionProgress } from '../../../contract/record-source.ts';
import type { TopicPartition } from '../../../contract/record.ts';
import { flexible, type KafkaRequest } from '../../protocol/wire-requests.ts';
import type { WireReader } from '../../protocol/wire.ts';
import type { MemberIdentity } from '../membership.ts';

/** What is committed of one partition. */
export interface OffsetToCommit extends PartitionProgress {
  /** Of the last record before the offset; absent where that is not known. */
  readonly leaderEpoch?: number | undefined;
}

export interface CommitAnswer extends TopicPartition {
  readonly errorCode: number;
}

/**
 * OffsetCommit v8, or v9, in which `generation` may be the epoch of a member (KIP-848). Whoever has no member id and the
 * generation -1 commits for a group that nobody is in.
 */
export function offsetCommitRequest(
  groupId: string,
  member: MemberIdentity,
  offsets: readonly OffsetToCommit[],
  version: 8 | 9 = 8,
): KafkaRequest<CommitAnswer[]> {
  return flexible('OffsetCommit', 8, version, {
    write: (writer) =>
      writer
        .string(groupId)
        .int32(member.generation)
        .string(member.memberId)
        .optionalString(undefined)
        .array([...byTopic(offsets)], (to, [topic, partitions]) =>
          to
            .string(topic)
            .array(partitions, (each, { partition, offset, leaderEpoch = -1, metadata }) =>
              each.int32(partition).int64(offset).int32(leaderEpoch).string(metadata).tags(),
            )
            .tags(),
        ),
    read(reader) {
      reader.int32();
      return reader.array(readCommitted).flat();
    },
  });
}

function readCommitted(reader: WireReader): CommitAnswer[] {
  const topic = reader.string() ?? '';
  const partitions = reader.array((from) => {
    const [partition, errorCode] = [from.int32(), from.int16()];
    from.tags();
    return { topic, partition, errorCode };
  });
  reader.tags();
  return partitions;
}

function byTopic(offsets: readonly OffsetToCommit[]): Map<string, OffsetToCommit[]> {
  const topics = new Map<string, OffsetToCommit[]>();
  for (const one of offsets) {
    const list = topics.get(one.topic);
    if (list === undefined) topics.set(one.topic, [one]);
    else list.push(one);
  }
  return topics;
}
