// Spreads partitions evenly over the members of a group, moves no more of them than it must, and moves none before its owner
// has let go of it, so that nothing stops but what moves (cooperative rebalancing, KIP-429). What it costs grows with the partitions and members, not with their product:
//
//   join 1   A claims 0 1 2 3, B claims nothing  ──►  A: 0 1   B: –      (2 and 3 are B's, but A has them: nobody gets them)
//            A drains and commits 2 and 3, and joins again
//   join 2   A claims 0 1, B claims nothing      ──►  A: 0 1   B: 2 3
import { partitionName, type TopicPartition } from '../../../contract/record.ts';
import {
  byTopic,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type Subscription,
} from './consumer-protocol.ts';
import type { JoinedMember } from '../classic-requests.ts';
import { LeastLoaded } from './least-loaded.ts';

/** The name changes with the meaning of the claims: members of two releases that disagree cannot be in one group. */
export const stickyProtocolName = 'millrace-cooperative-sticky';

/** What a member says when it joins: the partitions it has, and the last generation of the group that it was a member of. */
export interface Claim {
  readonly memberId: string;
  readonly topics: readonly string[];
  readonly generation: number;
  readonly owned: readonly TopicPartition[];
}

/** The metadata that a member joins with. Claims travel as user data, as in the first release; brokers read `owned` beside it. */
export function encodeClaim({ topics, generation, owned }: Omit<Claim, 'memberId'>): Buffer {
  const claim = { generation, owned: Object.fromEntries(byTopic(owned)) };
  return encodeSubscription({ topics, userData: Buffer.from(JSON.stringify(claim)), owned, generation });
}

/** Foreign or broken bytes are no claim: the member just holds nothing yet. */
function decodeClaim({ memberId, metadata }: JoinedMember): Claim {
  let subscription: Subscription;
  try {
    subscription = decodeSubscription(metadata);
  } catch {
    return { memberId, topics: [], generation: -1, owned: [] };
  }
  const topics = [...new Set(subscription.topics)];
  return { memberId, topics, ...(readClaim(subscription.userData) ?? { generation: -1, owned: [] }) };
}

function readClaim(userData: Buffer): Pick<Claim, 'generation' | 'owned'> | undefined {
  try {
    const { generation, owned: byName } = JSON.parse(userData.toString()) as {
      generation: number;
      owned: Record<string, number[]>;
    };
    const owned = Object.entries(byName).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    );
    return Number.isInteger(generation) && owned.every(isPartition) ? { generation, owned } : undefined;
  } catch {
    return undefined;
  }
}

/** Any other number would not survive the encoding of the assignment. */
function isPartition({ partition }: TopicPartition): boolean {
  return Number.isInteger(partition) && partition >= 0 && partition < 2 ** 31;
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
  const kept = members.map(({ topics, owned }, index) => {
    const share = index < larger ? floor + 1 : floor;
    return keepOf(owned, new Set(topics), free, share);
  });
  const leastLoaded = new LeastLoaded(
    members.map(({ topics }) => topics),
    kept.map(({ length }) => length),
  );
  for (const partition of free.values()) {
    const index = leastLoaded.next(partition.topic);
    if (index !== undefined) kept[index]?.push(partition);
  }
  return new Map(members.map(({ memberId }, index) => [memberId, kept[index] ?? []]));
}

/** As many of `owned` as are still `free`, and not more than `share`; they are free no more. */
function keepOf(
  owned: readonly TopicPartition[],
  topics: ReadonlySet<string>,
  free: Map<string, TopicPartition>,
  share: number,
): TopicPartition[] {
  const kept: TopicPartition[] = [];
  for (const { topic, partition } of owned) {
    if (kept.length >= share) break;
    if (topics.has(topic) && free.delete(partitionName({ topic, partition })))
      kept.push({ topic, partition });
  }
  return kept;
}

/** All that the members subscribe to. */
export function topicsOf(members: readonly JoinedMember[]): Set<string> {
  return new Set(members.map(decodeClaim).flatMap(({ topics }) => topics));
}

/** The group's assignment, as its leader answers it. A topic of which `partitionsOf` knows none is not there. */
export function assignMembers(
  members: readonly JoinedMember[],
  partitionsOf: (topic: string) => readonly number[],
): { readonly memberId: string; readonly assignment: Buffer }[] {
  const claims = members.map(decodeClaim);
  const topics = new Set(claims.flatMap((claim) => claim.topics));
  const all = [...topics].flatMap((topic) => partitionsOf(topic).map((partition) => ({ topic, partition })));
  return [...assignCooperatively(claims, all)].map(([memberId, partitions]) => ({
    memberId,
    assignment: encodeAssignment(partitions),
  }));
}
