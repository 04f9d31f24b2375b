// The requests of a member of a classic group. All versions exist since Kafka 3.0.
import { flexible, type KafkaRequest } from '../protocol/wire-requests.ts';
import type { MemberIdentity } from './membership.ts';

/** What consumers call their protocol; Kafka Connect has another one. */
const protocolType = 'consumer';

export interface JoinGroup {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Empty for a new member. */
  readonly memberId: string;
  /** Of a static member (KIP-345). */
  readonly instanceId?: string | undefined;
  /** An assignor, and what the member tells the leader of the group: a ConsumerProtocolSubscription. */
  readonly protocol: { readonly name: string; readonly metadata: Buffer };
}

/** A member as the leader of the group sees it. */
export interface JoinedMember {
  readonly memberId: string;
  /** A copy, as all bytes in these answers. */
  readonly metadata: Buffer;
}

export interface JoinGroupAnswer extends MemberIdentity {
  readonly errorCode: number;
  /** The assignor that the group has chosen. */
  readonly protocolName: string;
  readonly leader: string;
  /** Empty for all members but the leader. */
  readonly members: readonly JoinedMember[];
}

/** JoinGroup v7. The broker holds it until all other members have joined, at most for the rebalance timeout. */
export function joinGroupRequest(join: JoinGroup): KafkaRequest<JoinGroupAnswer> {
  const { groupId, sessionTimeoutMs, rebalanceTimeoutMs, memberId, instanceId, protocol } = join;
  const body = {
    write: (writer: Writer) =>
      writer
        .string(groupId)
        .int32(sessionTimeoutMs)
        .int32(rebalanceTimeoutMs)
        .string(memberId)
        .optionalString(instanceId)
        .string(protocolType)
        .array([protocol], (to, { name, metadata }) => to.string(name).binary(metadata).tags()),
    read(reader: Reader): JoinGroupAnswer {
      reader.int32();
      const errorCode = reader.int16();
      const generation = reader.int32();
      reader.string();
      const protocolName = reader.string() ?? '';
      const leader = reader.string() ?? '';
      const id = reader.string() ?? '';
      const members = reader.array(readMember);
      return { errorCode, generation, protocolName, leader, memberId: id, members };
    },
  };
  return flexible('JoinGroup', 11, 7, body, { lane: 'waiting', heldMs: rebalanceTimeoutMs });
}

type Body = Parameters<typeof flexible>[3];
type Writer = Parameters<Body['write']>[0];
type Reader = Parameters<Body['read']>[0];

function readMember(reader: Reader): JoinedMember {
  const memberId = reader.string() ?? '';
  // The instance id of a static member.
  reader.string();
  const metadata = Buffer.from(reader.bytes());
  reader.tags();
  return { memberId, metadata };
}

export interface SyncGroup extends MemberIdentity {
  readonly groupId: string;
  readonly protocolName: string;
  readonly rebalanceTimeoutMs: number;
  /** Of all members, from the leader; empty from all others. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[];
}

export interface SyncGroupAnswer {
  readonly errorCode: number;
  /** A ConsumerProtocolAssignment. */
  readonly assignment: Buffer;
}

/** SyncGroup v5. The broker holds it until the leader of the group has sent the assignments. */
export function syncGroupRequest(sync: SyncGroup): KafkaRequest<SyncGroupAnswer> {
  const { groupId, generation, memberId, protocolName, rebalanceTimeoutMs, assignments } = sync;
  const body = {
    write: (writer: Writer) =>
      writer
        .string(groupId)
        .int32(generation)
        .string(memberId)
        .optionalString(undefined)
        .string(protocolType)
        .string(protocolName)
        .array(assignments, (to, one) => to.string(one.memberId).binary(one.assignment).tags()),
    read(reader: Reader): SyncGroupAnswer {
      reader.int32();
      const errorCode = reader.int16();
      // The type and the name of the protocol.
      reader.string();
      reader.string();
      return { errorCode, assignment: Buffer.from(reader.bytes()) };
    },
  };
  return flexible('SyncGroup', 14, 5, body, { lane: 'waiting', heldMs: rebalanceTimeoutMs });
}

/** Heartbeat v4 → the error code. */
export function heartbeatRequest(groupId: string, member: MemberIdentity): KafkaRequest<number> {
  return flexible('Heartbeat', 12, 4, {
    write: (writer) =>
      writer.string(groupId).int32(member.generation).string(member.memberId).optionalString(undefined),
    read(reader) {
      reader.int32();
      return reader.int16();
    },
  });
}

/** LeaveGroup v4 → the error code of the request, or else of the member. */
export function leaveGroupRequest(groupId: string, memberId: string): KafkaRequest<number> {
  return flexible('LeaveGroup', 13, 4, {
    write: (writer) =>
      writer.string(groupId).array([memberId], (to, id) => to.string(id).optionalString(undefined).tags()),
    read(reader) {
      reader.int32();
      const errorCode = reader.int16();
      const ofMembers = reader.array((from) => {
        from.string();
        from.string();
        const ofMember = from.int16();
        from.tags();
        return ofMember;
      });
      return errorCode === 0 ? (ofMembers[0] ?? 0) : errorCode;
    },
  });
}
