// The requests of an idempotent producer (KIP-98), in the oldest flexible versions: all that Kafka 3.0 to 4.4 speak.
import type { WireReader } from '../protocol/wire.ts';
import { flexible, type KafkaRequest } from '../protocol/wire-requests.ts';

/** Who a producer is to the brokers. */
export interface ProducerId {
  readonly id: bigint;
  readonly epoch: number;
}

/** One batch, encoded. */
export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
}

export interface PartitionAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** -1 where it is not told. */
  readonly baseOffset: bigint;
  /** The records that the error is about, by their index in the batch; empty where it is about the batch. */
  readonly recordErrors: readonly { readonly index: number; readonly message: string | null }[];
  readonly message: string | null;
}

export interface ProduceAnswer {
  readonly partitions: readonly PartitionAnswer[];
  /** How long the broker wants to be left alone, in ms. */
  readonly throttleMs: number;
}

/** How long a leader waits for its followers, in ms. */
const replicationMs = 10_000;

/** Produce v9: stored when all in-sync replicas have it. A partition at most once. */
export function produceRequest(
  batches: readonly PartitionBatch[],
  transactionalId: string | null,
): KafkaRequest<ProduceAnswer> {
  const topics = Map.groupBy(batches, ({ topic }) => topic);
  return flexible(
    'Produce',
    0,
    9,
    {
      write: (writer) =>
        writer
          .string(transactionalId)
          .int16(-1)
          .int32(replicationMs)
          .array([...topics], (to, [topic, ofTopic]) =>
            to
              .string(topic)
              .array(ofTopic, (each, { partition, bytes }) => each.int32(partition).binary(bytes).tags())
              .tags(),
          ),
      read: (reader) => ({ partitions: reader.array(readTopic).flat(), throttleMs: reader.int32() }),
    },
    { lane: 'produce', heldMs: replicationMs },
  );
}

function readTopic(reader: WireReader): PartitionAnswer[] {
  const topic = reader.string() ?? '';
  const answers = reader.array((from) => {
    const partition = from.int32();
    const errorCode = from.int16();
    const baseOffset = from.int64();
    // When it was appended, and where the log begins.
    from.int64();
    from.int64();
    const recordErrors = from.array((each) => {
      const error = { index: each.int32(), message: each.string() };
      each.tags();
      return error;
    });
    const message = from.string();
    from.tags();
    return { topic, partition, errorCode, baseOffset, recordErrors, message };
  });
  reader.tags();
  return answers;
}

export interface GivenProducerId extends ProducerId {
  readonly errorCode: number;
}

/**
 * InitProducerId v4. With a transactional id, to its coordinator: every earlier producer by that id is fenced, and what it left open
 * is ended. Without, to any broker.
 */
export function initProducerIdRequest(
  transactionalId: string | null,
  transactionTimeoutMs: number,
): KafkaRequest<GivenProducerId> {
  return flexible(
    'InitProducerId',
    22,
    4,
    {
      write: (writer) => writer.string(transactionalId).int32(transactionTimeoutMs).int64(-1n).int16(-1),
      read(reader) {
        reader.int32();
        return { errorCode: reader.int16(), id: reader.int64(), epoch: reader.int16() };
      },
    },
    { lane: 'produce' },
  );
}
