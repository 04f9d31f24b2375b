// The requests of the consumer protocol (KIP-848, Kafka 4.0): heartbeats, which are all that a member says, and who is in a group.
import { randomUUID } from 'node:crypto';
import { flexible, type KafkaRequest } from '../protocol/wire-requests.ts';
import type { WireReader, WireWriter } from '../protocol/wire.ts';

/** Partition ids by topic id, which is hexadecimal text. */
export type PartitionsById = ReadonlyMap<string, readonly number[]>;

/** Epochs that mean something of their own. */
export const joiningEpoch = 0;
export const leavingEpoch = -1;

/** A UUID as 22 letters of Base64, as Kafka's own clients write it. */
export function newMemberId(): string {
  return Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url');
}

/** Of a heartbeat, the fields that may be left out where they are as they were last said. */
export interface MemberState {
  readonly rebalanceTimeoutMs: number;
  readonly topics: readonly string[];
  readonly owned: PartitionsById;
}

export interface GroupHeartbeat {
  readonly groupId: string;
  /** Chosen by the member, as Base64 of a UUID. */
  readonly memberId: string;
  readonly epoch: number;
  /** Undefined: nothing has changed. */
  readonly state: MemberState | undefined;
}

export interface GroupHeartbeatAnswer {
  readonly errorCode: number;
  readonly errorMessage: string | undefined;
  readonly epoch: number;
  /** How often the broker wants to hear from the member. */
  readonly intervalMs: number;
  /** Undefined where it is as it was told last. */
  readonly assigned: PartitionsById | undefined;
}

/** The keys of these requests, by which a broker says whether it has them. */
export const heartbeatKey = 68;
export const describeKey = 69;
const since = { since: '4.0' };

/** ConsumerGroupHeartbeat v1, the first whose members choose their ids: a join whose answer is lost leaves nobody behind (Kafka 4.0). */
export function groupHeartbeatRequest(beat: GroupHeartbeat): KafkaRequest<GroupHeartbeatAnswer> {
  const write = (writer: WireWriter): WireWriter => {
    // No instance id: a member of ours is found again by its id.
    writer.string(beat.groupId).string(beat.memberId).int32(beat.epoch).optionalString(undefined);
    return beat.state === undefined ? writeUnchanged(writer) : writeState(writer, beat.state);
  };
  return flexible('ConsumerGroupHeartbeat', heartbeatKey, 1, { write, read: readHeartbeat }, since);
}

/** Rack, rebalance timeout, topics, pattern, assignor and partitions, all null. */
function writeUnchanged(writer: WireWriter): WireWriter {
  return writer.optionalString(undefined).int32(-1).varint(0).varint(0).varint(0).varint(0);
}

function writeState(writer: WireWriter, state: MemberState): WireWriter {
  // No rack. No pattern: which topics there are is watched for all triggers at once. No assignor: the group chooses.
  return writer
    .optionalString(undefined)
    .int32(state.rebalanceTimeoutMs)
    .array(state.topics, (to, topic) => to.string(topic))
    .optionalString(undefined)
    .optionalString(undefined)
    .array([...state.owned], (to, [id, partitions]) =>
      to
        .uuid(id)
        .array(partitions, (each, partition) => each.int32(partition))
        .tags(),
    );
}

function readHeartbeat(reader: WireReader): GroupHeartbeatAnswer {
  reader.int32();
  const errorCode = reader.int16();
  const errorMessage = reader.string() ?? undefined;
  // The id, which is the one that was asked for.
  reader.string();
  const epoch = reader.int32();
  const intervalMs = reader.int32();
  const isThere = reader.int8() >= 0;
  const assigned = isThere ? readPartitions(reader) : undefined;
  return { errorCode, errorMessage, epoch, intervalMs, assigned };
}

function readPartitions(reader: WireReader): PartitionsById {
  const topics = reader.array((from) => {
    const one = [from.uuid(), from.array((item) => item.int32())] as const;
    from.tags();
    return one;
  });
  reader.tags();
  return new Map(topics);
}

export interface DescribedConsumerGroup {
  readonly group: string;
  readonly errorCode: number;
  /** `Empty`, `Assigning`, `Reconciling`, `Stable`, `Dead`. */
  readonly state: string;
  readonly members: readonly {
    readonly clientId: string;
    /** What it has now, by the name of the topic. */
    readonly partitions: ReadonlyMap<string, readonly number[]>;
  }[];
}

/** ConsumerGroupDescribe v0: of many groups of one coordinator. A classic group has GROUP_ID_NOT_FOUND. */
export function describeConsumerGroupsRequest(
  groups: readonly string[],
): KafkaRequest<DescribedConsumerGroup[]> {
  const write = (writer: WireWriter): WireWriter =>
    writer.array(groups, (to, group) => to.string(group)).bool(false);
  const read = (reader: WireReader): DescribedConsumerGroup[] => {
    reader.int32();
    return reader.array(readDescribedGroup);
  };
  return flexible('ConsumerGroupDescribe', describeKey, 0, { write, read }, since);
}

function readDescribedGroup(reader: WireReader): DescribedConsumerGroup {
  const errorCode = reader.int16();
  reader.string();
  const group = reader.string() ?? '';
  const state = reader.string() ?? '';
  // The epochs of the group and of its assignment, and the assignor.
  reader.int32();
  reader.int32();
  reader.string();
  const members = reader.array(readDescribedMember);
  reader.int32();
  reader.tags();
  return { group, errorCode, state, members };
}

function readDescribedMember(reader: WireReader): DescribedConsumerGroup['members'][number] {
  // The ids of member, instance and rack, and the epoch.
  for (let texts = 0; texts < 3; texts++) reader.string();
  reader.int32();
  const clientId = reader.string() ?? '';
  reader.string();
  reader.array((from) => from.string());
  reader.string();
  const partitions = readNamedPartitions(reader);
  // What it is to have.
  readNamedPartitions(reader);
  reader.tags();
  return { clientId, partitions };
}

function readNamedPartitions(reader: WireReader): Map<string, readonly number[]> {
  const topics = reader.array((from) => {
    from.uuid();
    const one = [from.string() ?? '', from.array((item) => item.int32())] as const;
    from.tags();
    return one;
  });
  reader.tags();
  return new Map(topics);
}
