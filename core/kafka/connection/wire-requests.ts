// The requests that reading offsets and groups takes, each for many topics or many groups at once. All exist
// since Kafka 3.0.
import { type WireReader, WireWriter } from './wire.ts';

/**
 * One request in one version; `decode` never fails on an error code of Kafka: codes are part of the answer.
 */
export interface OffsetRequest<T> {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  readonly encode: () => Buffer;
  readonly decode: (reader: WireReader) => T;
}

export interface BrokerAddress {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface TopicMetadata {
  readonly name: string;
  /** As hexadecimal text: another one than before means another topic by the same name. Undefined where brokers have none. */
  readonly id: string | undefined;
  readonly errorCode: number;
  readonly internal: boolean;
  /** A bit for each AclOperation that is allowed to our user; the least int32 where that was not asked. */
  readonly allowed: number;
  readonly partitions: readonly {
    readonly partition: number;
    readonly errorCode: number;
    readonly leader: number;
  }[];
}

export interface ClusterMetadata {
  readonly brokers: readonly BrokerAddress[];
  readonly topics: readonly TopicMetadata[];
}

/**
 * Metadata v10, the first with topic ids. Without `topics`, of all topics; topics are never created by asking. `asksRights`: what our user
 * may do with each (KIP-430).
 */
export function metadataRequest(
  topics: readonly string[] | undefined,
  asksRights: boolean,
): OffsetRequest<ClusterMetadata> {
  return flexible('Metadata', 3, 10, {
    write: (writer) =>
      writer
        .array(topics, (to, topic) => to.uuid(noId).string(topic).tags())
        .bool(false)
        .bool(false)
        .bool(asksRights),
    read(reader) {
      reader.int32();
      const brokers = reader.array(readBroker);
      reader.string();
      reader.int32();
      return { brokers, topics: reader.array(readTopic) };
    },
  });
}

/** What stands for no topic id. */
const noId = '0'.repeat(32);

function idOf(uuid: string): string | undefined {
  return uuid === noId ? undefined : uuid;
}

function readBroker(reader: WireReader): BrokerAddress {
  const broker = { nodeId: reader.int32(), host: reader.string() ?? '', port: reader.int32() };
  reader.string();
  reader.tags();
  return broker;
}

function readTopic(reader: WireReader): TopicMetadata {
  const topic = {
    errorCode: reader.int16(),
    name: reader.string() ?? '',
    id: idOf(reader.uuid()),
    internal: reader.bool(),
    partitions: reader.array((from) => {
      const partition = { errorCode: from.int16(), partition: from.int32(), leader: from.int32() };
      from.int32();
      for (let list = 0; list < 3; list++) from.array((item) => item.int32());
      from.tags();
      return partition;
    }),
    allowed: reader.int32(),
  };
  reader.tags();
  return topic;
}

/** Timestamps with a meaning of their own in ListOffsets. */
export const logStartTimestamp = -2n;
export const logEndTimestamp = -1n;

export interface ListedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** -1 where no record is that young. */
  readonly offset: bigint;
}

/**
 * ListOffsets v6. The end is the last stable offset (isolation level read_committed): what stands behind an
 * open transaction cannot be delivered yet. Kafka answers INVALID_REQUEST for a partition that is asked for
 * twice.
 */
export function listOffsetsRequest(
  topics: ReadonlyMap<string, readonly number[]>,
  timestamp: bigint,
): OffsetRequest<ListedOffset[]> {
  return flexible('ListOffsets', 2, 6, {
    write: (writer) =>
      writer
        .int32(-1)
        .int8(1)
        .array([...topics], (to, [topic, partitions]) =>
          to
            .string(topic)
            .array(partitions, (each, partition) => each.int32(partition).int32(-1).int64(timestamp).tags())
            .tags(),
        ),
    read(reader) {
      reader.int32();
      return reader.array(readListedTopic).flat();
    },
  });
}

function readListedTopic(reader: WireReader): ListedOffset[] {
  const topic = reader.string() ?? '';
  const offsets = reader.array((from) => {
    const partition = from.int32();
    const errorCode = from.int16();
    from.int64();
    const offset = from.int64();
    from.int32();
    from.tags();
    return { topic, partition, errorCode, offset };
  });
  reader.tags();
  return offsets;
}

/** Who has a coordinator. */
export type CoordinatorKind = 'group' | 'transactional id';

export interface FoundCoordinator {
  /** Or the transactional id. */
  readonly group: string;
  readonly errorCode: number;
  readonly broker: BrokerAddress;
}

/** FindCoordinator v4: of many groups in one request (KIP-699). */
export function findCoordinatorsRequest(
  groups: readonly string[],
  kind: CoordinatorKind = 'group',
): OffsetRequest<FoundCoordinator[]> {
  return flexible('FindCoordinator', 10, 4, {
    write: (writer) => writer.int8(kind === 'group' ? 0 : 1).array(groups, (to, group) => to.string(group)),
    read(reader) {
      reader.int32();
      return reader.array((from) => {
        const group = from.string() ?? '';
        const broker = { nodeId: from.int32(), host: from.string() ?? '', port: from.int32() };
        const errorCode = from.int16();
        from.string();
        from.tags();
        return { group, errorCode, broker };
      });
    },
  });
}

export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** -1 where the group has committed nothing. */
  readonly offset: bigint;
  readonly metadata: string;
}

export interface GroupOffsets {
  readonly group: string;
  readonly errorCode: number;
  readonly offsets: readonly CommittedOffset[];
}

/**
 * OffsetFetch v8: of many groups of one coordinator in one request (KIP-709). With `requireStable`, a partition whose offset an
 * open transaction is about to commit has an error code instead (KIP-447); without it, what was committed before. Of a group
 * without topics, all that it has committed.
 */
export function offsetFetchRequest(
  groups: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<number>> | undefined>,
  { requireStable = false } = {},
): OffsetRequest<GroupOffsets[]> {
  return flexible('OffsetFetch', 9, 8, {
    write: (writer) =>
      writer
        .array([...groups], (to, [group, topics]) =>
          to
            .string(group)
            .array(topics && [...topics], (each, [topic, partitions]) =>
              each
                .string(topic)

                .array([...partitions], (one, partition) => one.int32(partition))
                .tags(),
            )
            .tags(),
        )
        .bool(requireStable),
    read(reader) {
      reader.int32();
      return reader.array((from) => {
        const group = from.string() ?? '';
        const offsets = from.array(readCommittedTopic).flat();
        const errorCode = from.int16();
        from.tags();
        return { group, errorCode, offsets };
      });
    },
  });
}

function readCommittedTopic(reader: WireReader): CommittedOffset[] {
  const topic = reader.string() ?? '';
  const offsets = reader.array((from) => {
    const partition = from.int32();
    const offset = from.int64();
    from.int32();
    const metadata = from.string() ?? '';
    const errorCode = from.int16();
    from.tags();
    return { topic, partition, errorCode, offset, metadata };
  });
  reader.tags();
  return offsets;
}

export interface DescribedGroup {
  readonly group: string;
  readonly errorCode: number;
  /** `Stable`, `PreparingRebalance`, `CompletingRebalance`, `Empty`, `Dead`. */
  readonly state: string;
  readonly members: readonly {
    readonly clientId: string;
    /** A ConsumerProtocolAssignment; empty while the group rebalances. */
    readonly assignment: Buffer;
  }[];
}

/** DescribeGroups v5: of many groups of one coordinator. A group that never was is `Dead`, without an error. */
export function describeGroupsRequest(groups: readonly string[]): OffsetRequest<DescribedGroup[]> {
  return flexible('DescribeGroups', 15, 5, {
    write: (writer) => writer.array(groups, (to, group) => to.string(group)).bool(false),
    read(reader) {
      reader.int32();
      return reader.array(readDescribedGroup);
    },
  });
}

function readDescribedGroup(reader: WireReader): DescribedGroup {
  const errorCode = reader.int16();
  const group = reader.string() ?? '';
  const state = reader.string() ?? '';
  // The types of the protocol and of the assignment.
  reader.string();
  reader.string();
  const members = reader.array((from) => {
    // Member id and group instance id.
    from.string();
    from.string();
    const clientId = from.string() ?? '';
    from.string();
    from.bytes();
    const assignment = Buffer.from(from.bytes());
    from.tags();
    return { clientId, assignment };
  });
  reader.int32();
  reader.tags();
  return { group, errorCode, state, members };
}

interface Body<T> {
  readonly write: (writer: WireWriter) => WireWriter;
  readonly read: (reader: WireReader) => T;
}

/** Flexible versions have tagged fields at the end of both headers and both bodies (KIP-482). */
function flexible<T>(apiName: string, apiKey: number, apiVersion: number, body: Body<T>): OffsetRequest<T> {
  return {
    apiKey,
    apiVersion,
    apiName,
    encode: () => body.write(new WireWriter().tags()).tags().bytes(),
    decode(reader) {
      reader.tags();
      return body.read(reader);
    },
  };
}
