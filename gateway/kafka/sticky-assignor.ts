// Spreads partitions evenly over the members of a group, and moves no more of them than it must: a partition that stays
// with its member keeps its ledger and its requests in flight. (kafkajs has only a round-robin assignor.)
import kafkajs, { type GroupMember, type GroupMemberAssignment } from 'kafkajs';
import type { TopicPartition } from '../contract/record.ts';

const { AssignerProtocol } = kafkajs;

export const stickyProtocol = { name: 'millrace-sticky', version: 1 } as const;

/** What a member says when it joins: the partitions it held, and since which join of its own. */
interface Claim {
  readonly memberId: string;
  readonly topics: readonly string[];
  readonly owned: readonly TopicPartition[];
}

/** The metadata that a member joins with; `owned` travels as user data. */
export function encodeClaim(topics: readonly string[], owned: readonly TopicPartition[]): Buffer {
  const byTopic: Record<string, number[]> = {};
  for (const { topic, partition } of owned) (byTopic[topic] ??= []).push(partition);
  return AssignerProtocol.MemberMetadata.encode({
    version: stickyProtocol.version,
    topics: [...topics],
    userData: Buffer.from(JSON.stringify(byTopic)),
  });
}

/** Foreign or broken user data is no claim: the member just holds nothing yet. */
function decodeClaim({ memberId, memberMetadata }: GroupMember): Claim {
  const metadata = AssignerProtocol.MemberMetadata.decode(memberMetadata);
  const owned: TopicPartition[] = [];
  try {
    const byTopic = JSON.parse(metadata?.userData.toString() ?? '{}') as Record<string, number[]>;
    for (const [topic, partitions] of Object.entries(byTopic)) {
      // A partition that is no number would not survive the encoding of the assignment.
      if (!partitions.every(Number.isInteger)) throw new TypeError('not a list of partitions');
      for (const partition of partitions) owned.push({ topic, partition });
    }
  } catch {
    owned.length = 0;
  }
  return { memberId, topics: metadata?.topics ?? [], owned };
}

/**
 * Member id → its partitions: sizes differ by one at most where all members subscribe to all topics; each member keeps
 * of what it claims as many as its share allows. Two members' claims to one partition go to the first by member id.
 */
export function assignSticky(
  claims: readonly Claim[],
  all: readonly TopicPartition[],
): Map<string, TopicPartition[]> {
  const members = [...claims].sort(
    (a, b) => b.owned.length - a.owned.length || (a.memberId < b.memberId ? -1 : 1),
  );
  const free = new Map(all.map((partition) => [`${partition.topic}/${partition.partition}`, partition]));
  const floor = Math.floor(all.length / members.length);
  const larger = all.length - floor * members.length;
  const assigned = new Map<string, TopicPartition[]>();
  members.forEach(({ memberId, topics, owned }, index) => {
    const share = index < larger ? floor + 1 : floor;
    const kept: TopicPartition[] = [];
    for (const { topic, partition } of owned) {
      if (kept.length < share && topics.includes(topic) && free.delete(`${topic}/${partition}`)) {
        kept.push({ topic, partition });
      }
    }
    assigned.set(memberId, kept);
  });
  for (const partition of free.values()) {
    let least: TopicPartition[] | undefined;
    for (const { memberId, topics } of members) {
      const theirs = assigned.get(memberId);
      if (
        theirs !== undefined &&
        topics.includes(partition.topic) &&
        (least === undefined || theirs.length < least.length)
      ) {
        least = theirs;
      }
    }
    least?.push(partition);
  }
  return assigned;
}

/** The group's assignment, as its leader answers it. */
export function encodeAssignment(
  members: readonly GroupMember[],
  partitionsOf: (topic: string) => readonly number[],
): GroupMemberAssignment[] {
  const claims = members.map(decodeClaim);
  const topics = [...new Set(claims.flatMap((claim) => claim.topics))];
  const all = topics.flatMap((topic) => partitionsOf(topic).map((partition) => ({ topic, partition })));
  return [...assignSticky(claims, all)].map(([memberId, partitions]) => {
    const assignment: Record<string, number[]> = {};
    for (const { topic, partition } of partitions) (assignment[topic] ??= []).push(partition);
    return {
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: stickyProtocol.version,
        assignment,
        userData: Buffer.alloc(0),
      }),
    };
  });
}
