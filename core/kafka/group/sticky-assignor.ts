// Spreads partitions evenly over the members of a group, moves no more of them than it must, and moves none before its owner
// has let go of it, so that nothing stops but what moves (cooperative rebalancing, KIP-429; kafkajs has only round robin):
//
//   join 1   A claims 0 1 2 3, B claims nothing  ──►  A: 0 1   B: –      (2 and 3 are B's, but A has them: nobody gets them)
//            A drains and commits 2 and 3, and joins again
//   join 2   A claims 0 1, B claims nothing      ──►  A: 0 1   B: 2 3
import kafkajs, { type GroupMember, type GroupMemberAssignment } from 'kafkajs';
import { partitionName, type TopicPartition } from '../../contract/record.ts';

const { AssignerProtocol } = kafkajs;

/** The name changes with the meaning of the claims: members of two releases that disagree cannot be in one group. */
export const stickyProtocol = { name: 'millrace-cooperative-sticky', version: 1 } as const;

/** What a member says when it joins: the partitions it has, and the last generation of the group that it was a member of. */
export interface Claim {
  readonly memberId: string;
  readonly topics: readonly string[];
  readonly generation: number;
  readonly owned: readonly TopicPartition[];
}

/** The metadata that a member joins with; `generation` and `owned` travel as user data. */
export function encodeClaim({ topics, generation, owned }: Omit<Claim, 'memberId'>): Buffer {
  const byTopic: Record<string, number[]> = {};
  for (const { topic, partition } of owned) (byTopic[topic] ??= []).push(partition);
  return AssignerProtocol.MemberMetadata.encode({
    version: stickyProtocol.version,
    topics: [...topics],
    userData: Buffer.from(JSON.stringify({ generation, owned: byTopic })),
  });
}

/** Foreign or broken user data is no claim: the member just holds nothing yet. */
function decodeClaim({ memberId, memberMetadata }: GroupMember): Claim {
  const metadata = AssignerProtocol.MemberMetadata.decode(memberMetadata);
  const topics = metadata?.topics ?? [];
  try {
    const { generation, owned: byTopic } = JSON.parse(metadata?.userData.toString() ?? '') as {
      generation: number;
      owned: Record<string, number[]>;
    };
    const owned = Object.entries(byTopic).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    );
    // A partition that is no number would not survive the encoding of the assignment.
    if (Number.isInteger(generation) && owned.every(({ partition }) => Number.isInteger(partition)))
      return { memberId, topics, generation, owned };
  } catch {
    // As below.
  }
  return { memberId, topics, generation: -1, owned: [] };
}

/**
 * Member id → its partitions for now: those of its share that nobody else has. What another member still has is nobody's until
 * that one has let go of it, and joined again.
 */
export function assignCooperatively(
  claims: readonly Claim[],
  all: readonly TopicPartition[],
): Map<string, TopicPartition[]> {
  const owners = ownersOf(claims);
  const valid = claims.map((claim) => ({
    ...claim,
    owned: claim.owned.filter((partition) => owners.get(partitionName(partition)) === claim.memberId),
  }));
  const assigned = new Map<string, TopicPartition[]>();
  for (const [memberId, partitions] of assignSticky(valid, all)) {
    const free = partitions.filter(
      (partition) => (owners.get(partitionName(partition)) ?? memberId) === memberId,
    );
    assigned.set(memberId, free);
  }
  return assigned;
}

/** Who has a partition: of several who claim it, the one that was a member last. The others were away meanwhile. */
function ownersOf(claims: readonly Claim[]): Map<string, string> {
  const owners = new Map<string, string>();
  const oldestFirst = [...claims].sort(
    (a, b) => a.generation - b.generation || (a.memberId > b.memberId ? -1 : 1),
  );
  for (const { memberId, owned } of oldestFirst)
    for (const partition of owned) owners.set(partitionName(partition), memberId);
  return owners;
}

/**
 * Member id → its partitions in the end: sizes differ by one at most where all members subscribe to all topics; each member
 * keeps of what it has as many as its share allows.
 */
export function assignSticky(
  claims: readonly Claim[],
  all: readonly TopicPartition[],
): Map<string, TopicPartition[]> {
  const members = [...claims].sort(
    (a, b) => b.owned.length - a.owned.length || (a.memberId < b.memberId ? -1 : 1),
  );
  const free = new Map(all.map((partition) => [partitionName(partition), partition]));
  const floor = Math.floor(all.length / members.length);
  const larger = all.length - floor * members.length;
  const assigned = new Map<string, TopicPartition[]>();
  members.forEach(({ memberId, topics, owned }, index) => {
    const share = index < larger ? floor + 1 : floor;
    const kept: TopicPartition[] = [];
    for (const { topic, partition } of owned) {
      if (kept.length < share && topics.includes(topic) && free.delete(partitionName({ topic, partition }))) {
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
  return [...assignCooperatively(claims, all)].map(([memberId, partitions]) => {
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
