// One round of joining a classic group: JoinGroup, the spread of all partitions where this member leads the group, SyncGroup.
import type { TopicPartition } from '../../contract/record.ts';
import { metadataRequest } from '../protocol/wire-requests.ts';
import { decodeAssignment } from './assignor/consumer-protocol.ts';
import type { GroupCoordinator } from './coordinator/group-coordinator.ts';
import { GroupError, groupError } from './coordinator/group-errors.ts';
import {
  joinGroupRequest,
  syncGroupRequest,
  type JoinGroupAnswer,
  type SyncGroup,
  type SyncGroupAnswer,
} from './classic-requests.ts';
import { rebalanceTimeoutMs } from './coordinator/lease.ts';
import { sleep } from '../connection/sleep.ts';
import {
  assignMembers,
  encodeClaim,
  stickyProtocolName,
  topicsOf,
  type Claim,
} from './assignor/sticky-assignor.ts';

/** A member that is not heard of for this long is taken for dead, in ms; heartbeats also go out while a drain lasts. */
export const sessionTimeoutMs = 10_000;
/** A broker has this long for an answer that it need not hold, in ms. */
const tryMs = 15_000;

export interface JoiningParts {
  readonly coordinator: GroupCoordinator;
  readonly groupId: string;
  /** How long a coordinator may be away before a member gives up, in ms. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/** Resolves with the answer, whatever its error code. A new member (no `memberId`) is answered at once, and with its id (KIP-394). */
export function askToJoin(
  { coordinator, groupId, patienceMs, signal }: JoiningParts,
  memberId: string,
  claim: Omit<Claim, 'memberId'>,
): Promise<JoinGroupAnswer> {
  const protocol = { name: stickyProtocolName, metadata: encodeClaim(claim) };
  const join = joinGroupRequest({ groupId, sessionTimeoutMs, rebalanceTimeoutMs, memberId, protocol });
  const codeOf = ({ errorCode }: JoinGroupAnswer): number => errorCode;
  const request = memberId === '' ? { ...join, lane: 'control' as const, heldMs: 0 } : join;
  return coordinator.ask(request, { codeOf, tryMs, patienceMs, signal });
}

export interface Share {
  readonly partitions: readonly TopicPartition[];
  /** When it was asked for, in ms of `performance.now()`. */
  readonly sentMs: number;
}

/** What the group gives to this member, or the error code with which it does not. */
export async function askForShare(
  parts: JoiningParts,
  joined: JoinGroupAnswer,
  countOf: (topic: string) => number,
): Promise<Share | number> {
  const { coordinator, groupId, patienceMs, signal } = parts;
  const { memberId, generation, protocolName, leader, members } = joined;
  const partitionsOf = (topic: string): number[] => Array.from({ length: countOf(topic) }, (_, id) => id);
  const assignments = leader === memberId ? assignMembers(members, partitionsOf) : [];
  const sync: SyncGroup = { groupId, memberId, generation, protocolName, rebalanceTimeoutMs, assignments };
  const sentMs = performance.now();
  const codeOf = ({ errorCode }: SyncGroupAnswer): number => errorCode;
  const answer = await coordinator.ask(syncGroupRequest(sync), { codeOf, tryMs, patienceMs, signal });
  if (answer.errorCode !== 0) return answer.errorCode;
  try {
    return { partitions: decodeAssignment(answer.assignment), sentMs };
  } catch (error) {
    throw new GroupError(
      'MILLRACE_KAFKA_GROUP_REFUSED',
      'INCONSISTENT_GROUP_PROTOCOL',
      `the leader of the consumer group ${groupId} gives shares that cannot be read: stop the members that are not Millrace (${String(error)})`,
    );
  }
}

const looks = { ofLeader: 4, pauseMs: 200 };

/**
 * How many partitions each topic has now, as the coordinator says it, and not what is remembered: the group is spread by it. The
 * leader of the group looks at all that its members subscribe to; where topics are missing, more than once, because a broker that
 * has just started may not know of them yet.
 */
export async function countPartitions(
  { coordinator, patienceMs, signal }: JoiningParts,
  { leader, memberId, members }: JoinGroupAnswer,
  subscribed: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const leads = leader === memberId;
  const topics = leads ? [...topicsOf(members)] : [...subscribed];
  const counts = new Map<string, number>();
  for (let look = 1; look <= (leads ? looks.ofLeader : 1); look++) {
    const unknown = topics.filter((topic) => !counts.has(topic));
    if (unknown.length === 0) break;
    if (look > 1) await sleep(looks.pauseMs, signal);
    signal.throwIfAborted();
    const request = metadataRequest(unknown, false);
    const metadata = await coordinator.ask(request, { codeOf: () => 0, tryMs, patienceMs, signal });
    for (const { name, partitions } of metadata.topics)
      if (partitions.length > 0) counts.set(name, partitions.length);
  }
  return counts;
}

/** What an error code means for whoever joins; what is not a matter of time is thrown. */
export type Setback = 'again' | 'with-id' | 'unknown' | 'outdated';

export function setbackOf(errorCode: number, groupId: string): Setback {
  switch (errorCode) {
    case codes.rebalanceInProgress:
      return 'again';
    case codes.memberIdRequired:
      return 'with-id';
    case codes.unknownMemberId:
    case codes.fencedInstanceId:
      return 'unknown';
    case codes.illegalGeneration:
      return 'outdated';
    default:
      throw groupError(errorCode, groupId);
  }
}

const codes = {
  illegalGeneration: 22,
  unknownMemberId: 25,
  rebalanceInProgress: 27,
  memberIdRequired: 79,
  fencedInstanceId: 82,
} as const;
