// The request that fetches records, in the last version with names of topics and the first with their ids (KIP-516).
import type { WireReader } from '../protocol/wire.ts';
import { flexible, type KafkaRequest, type Lane } from '../protocol/wire-requests.ts';

/** A partition as a request asks for it, by `topicId` where all of its request have one. */
export interface FetchPosition {
  readonly topic: string;
  /** As hexadecimal text; undefined where brokers have no ids. */
  readonly topicId: string | undefined;
  readonly partition: number;
  readonly offset: bigint;
  /** What we take for the leader's; -1 where that is not known. A broker that knows another one says so. */
  readonly leaderEpoch: number;
  /** Of the record before `offset`, by which the broker notices that its log is another one there (KIP-320); -1 where that is not known. */
  readonly lastEpoch: number;
}

/** Of one partition. */
export function isSamePosition(a: FetchPosition, b: FetchPosition): boolean {
  return (
    a.offset === b.offset &&
    a.leaderEpoch === b.leaderEpoch &&
    a.lastEpoch === b.lastEpoch &&
    a.topicId === b.topicId
  );
}

export type PartitionId = Pick<FetchPosition, 'topic' | 'topicId' | 'partition'>;

export interface SessionPosition {
  /** 0 where there is no session (yet). */
  readonly sessionId: number;
  /** Counts the requests of a session: 0 begins one, -1 wants none. */
  readonly sessionEpoch: number;
}

export interface FetchRequest extends SessionPosition {
  readonly lane: Lane;
  readonly byId: boolean;
  /** So long the broker may wait for a first record, in ms. */
  readonly maxWaitMs: number;
  readonly positions: readonly FetchPosition[];
  readonly forgotten: readonly PartitionId[];
  readonly rackId: string;
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

export interface FetchedPartition {
  readonly errorCode: number;
  /** Nothing beyond it is handed out yet; negative where that is not known. */
  readonly lastStableOffset: bigint;
  /** Where the log left what is before the position, one past what it still has of that; undefined where it has not. */
  readonly divergedAt: bigint | undefined;
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** A replica that is nearer to us (KIP-392); -1 where there is none. */
  readonly preferredReplica: number;
  /** Whole batches, and perhaps the half of one. A view into the answer. */
  readonly bytes: Buffer;
}

export interface FetchAnswer {
  readonly throttleMs: number;
  /** Of the request as a whole. */
  readonly errorCode: number;
  readonly sessionId: number;
  /** Whether partitions stand by id: the broker may know names only. */
  readonly byId: boolean;
  /** By `keyOf`. In a session, those alone of which there is something to say. */
  readonly partitions: ReadonlyMap<string, FetchedPartition>;
}

/** What one answer may have at most, and of one partition: a batch that is larger comes alone. */
const maxBytes = { answer: 1_048_576, partition: 262_144 } as const;
/** Isolation level. */
const readCommitted = 1;

/** Names a partition within the requests of one version. */
export function keyOf({ topic, topicId, partition }: PartitionId, byId: boolean): string {
  return `${byId ? topicId : topic}/${partition}`;
}

/**
 * Fetch v13 with ids, or v12 with names: Kafka 3.0 has topic ids, and does not take them here. What is forgotten and asked for anew has
 * another id; by name it is asked for alone, as a broker forgets last.
 */
export function fetchRequest(request: FetchRequest): KafkaRequest<FetchAnswer> {
  const { byId, maxWaitMs, lane } = request;
  return flexible(
    'Fetch',
    1,
    byId ? 13 : 12,
    {
      write(writer) {
        const topicsOf = <T extends PartitionId>(all: readonly T[]): [string, T[]][] => [
          ...Map.groupBy(all, ({ topic, topicId }) => (byId ? (topicId ?? '') : topic)),
        ];
        const writeTopic = (to: typeof writer, topic: string): typeof writer =>
          byId ? to.uuid(topic) : to.string(topic);
        return writer
          .int32(-1)
          .int32(maxWaitMs)
          .int32(1)
          .int32(maxBytes.answer)
          .int8(readCommitted)
          .int32(request.sessionId)
          .int32(request.sessionEpoch)
          .array(topicsOf(request.positions), (to, [topic, positions]) =>
            writeTopic(to, topic)
              .array(positions, (each, position) =>
                each
                  .int32(position.partition)
                  .int32(position.leaderEpoch)
                  .int64(position.offset)
                  .int32(position.lastEpoch)
                  // The start of a follower's log.
                  .int64(-1n)
                  .int32(maxBytes.partition)
                  .tags(),
              )
              .tags(),
          )
          .array(topicsOf(forgottenOf(request)), (to, [topic, partitions]) =>
            writeTopic(to, topic)
              .array(partitions, (each, { partition }) => each.int32(partition))
              .tags(),
          )
          .string(request.rackId);
      },
      read: (reader) => readAnswer(reader, byId),
    },
    { lane, heldMs: maxWaitMs, older: byId ? fetchRequest({ ...request, byId: false }) : undefined },
  );
}

function forgottenOf({ byId, positions, forgotten }: FetchRequest): readonly PartitionId[] {
  if (byId || forgotten.length === 0) return forgotten;
  const named = new Set(positions.map((position) => keyOf(position, false)));
  return forgotten.filter((one) => !named.has(keyOf(one, false)));
}

function readAnswer(reader: WireReader, byId: boolean): FetchAnswer {
  const [throttleMs, errorCode, sessionId] = [reader.int32(), reader.int16(), reader.int32()];
  const partitions = new Map<string, FetchedPartition>();
  reader.array((from) => {
    const topic = byId ? from.uuid() : (from.string() ?? '');
    from.array((each) => {
      const partition = each.int32();
      partitions.set(`${topic}/${partition}`, readPartition(each));
    });
    from.tags();
  });
  return { throttleMs, errorCode, sessionId, byId, partitions };
}

function readPartition(reader: WireReader): FetchedPartition {
  const errorCode = reader.int16();
  // Between the high watermark and the log's start, neither of which says more than the records do.
  const [, lastStableOffset] = [reader.int64(), reader.int64(), reader.int64()];
  const abortedTransactions = reader.array((from) => {
    const aborted = { producerId: from.int64(), firstOffset: from.int64() };
    from.tags();
    return aborted;
  });
  const preferredReplica = reader.int32();
  const bytes = reader.bytes();
  let divergedAt: bigint | undefined;
  reader.tags((tag, from) => {
    if (tag !== 0) return;
    from.int32();
    divergedAt = from.int64();
  });
  return { errorCode, lastStableOffset, divergedAt, abortedTransactions, preferredReplica, bytes };
}
