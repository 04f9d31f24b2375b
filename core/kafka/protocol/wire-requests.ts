// The requests that reading offsets and groups takes, each for many topics or many groups at once. All exist
// since Kafka 3.0: FindCoordinator v4 and OffsetFetch v8, which came with it, make that the oldest that is supported.
import { type WireReader, WireWriter } from './wire.ts';

/**
 * What a request may wait for at the broker, which answers the requests of a connection one after the other: each lane has a
 * connection of its own. `waiting` is for what waits for other members of a group: no two of these share a connection.
 */
export type Lane = 'control' | 'waiting' | 'fetch' | 'fetch-2' | 'prompt' | 'produce';

/**
 * One request in one version; `decode` never fails on an error code of Kafka: codes are part of the answer.
 */
export interface KafkaRequest<T> {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  /** `control` when absent. */
  readonly lane?: Lane | undefined;
  /** How long the broker may hold the answer back because it was asked to, in ms; 0 when absent. */
  readonly heldMs?: number | undefined;
  /** The first Kafka that has the request in this version; 3.0, the oldest that is supported, when absent. */
  readonly since?: string | undefined;
  /** The same request for brokers that do not have this version yet. */
  readonly older?: KafkaRequest<T> | undefined;
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
    /** Grows with each election: the epoch of what is written now. */
    readonly leaderEpoch: number;
  }[];
}

export interface ClusterMetadata {
  readonly clusterId: string | undefined;
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
): KafkaRequest<ClusterMetadata> {
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
      const clusterId = reader.string() ?? undefined;
      reader.int32();
      return { clusterId, brokers, topics: reader.array(readTopic) };
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
      const [errorCode, index, leader, leaderEpoch] = [
        from.int16(),
        from.int32(),
        from.int32(),
        from.int32(),
      ];
      const partition = { errorCode, partition: index, leader, leaderEpoch };
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

/** What counts as the end of a log. */
export type LogEnd = 'last stable offset' | 'high watermark';

/**
 * ListOffsets v6. The end is usually the last stable offset (isolation level read_committed): what stands behind an
 * open transaction cannot be delivered yet. Kafka answers INVALID_REQUEST for a partition that is asked for
 * twice.
 */
export function listOffsetsRequest(
  topics: ReadonlyMap<string, readonly number[]>,
  timestamp: bigint,
  end: LogEnd = 'last stable offset',
): KafkaRequest<ListedOffset[]> {
  return flexible('ListOffsets', 2, 6, {
    write: (writer) =>
      writer
        .int32(-1)
        .int8(end === 'last stable offset' ? 1 : 0)
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
): KafkaRequest<FoundCoordinator[]> {
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
  /** Of the last record before the offset; -1 where the committer did not say. */
  readonly leaderEpoch: number;
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
): KafkaRequest<GroupOffsets[]> {
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
    const leaderEpoch = from.int32();
    const metadata = from.string() ?? '';
    const errorCode = from.int16();
    from.tags();
    return { topic, partition, errorCode, offset, leaderEpoch, metadata };
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
export function describeGroupsRequest(groups: readonly string[]): KafkaRequest<DescribedGroup[]> {
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
export function flexible<T>(
  apiName: string,
  apiKey: number,
  apiVersion: number,
  body: Body<T>,
  more: Pick<KafkaRequest<T>, 'lane' | 'heldMs' | 'since' | 'older'> = {},
): KafkaRequest<T> {
  return {
    ...more,
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
