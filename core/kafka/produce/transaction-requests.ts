// The requests of a transaction (KIP-98, KIP-447), in the oldest flexible versions: all that Kafka 3.0 to 4.4 speak.
import type { PartitionProgress } from '../../contract/record-source.ts';
import type { TopicPartition } from '../../contract/record.ts';
import { flexible, type KafkaRequest } from '../protocol/wire-requests.ts';
import type { WireReader, WireWriter } from '../protocol/wire.ts';
import type { MemberIdentity } from '../group/membership.ts';
import type { ProducerId } from './produce-requests.ts';

/** The producer that a transaction is of. */
export interface TransactionOwner extends ProducerId {
  readonly transactionalId: string;
}

interface PartitionError extends TopicPartition {
  readonly errorCode: number;
}

// All of them wait for an append of the coordinator: never before a heartbeat.
const lane = 'produce';

function owner(writer: WireWriter, { transactionalId, id, epoch }: TransactionOwner): WireWriter {
  return writer.string(transactionalId).int64(id).int16(epoch);
}

/** AddPartitionsToTxn v3: all or none. Those that are not to blame have OPERATION_NOT_ATTEMPTED. */
export function addPartitionsRequest(
  by: TransactionOwner,
  partitions: readonly TopicPartition[],
): KafkaRequest<PartitionError[]> {
  const topics = Map.groupBy(partitions, ({ topic }) => topic);
  const body = {
    write: (writer: WireWriter) =>
      owner(writer, by).array([...topics], (to, [topic, ofTopic]) =>
        to
          .string(topic)
          .array(ofTopic, (each, { partition }) => each.int32(partition))
          .tags(),
      ),
    read: readErrors,
  };
  return flexible('AddPartitionsToTxn', 24, 3, body, { lane });
}

/** AddOffsetsToTxn v3. */
export function addOffsetsRequest(by: TransactionOwner, groupId: string): KafkaRequest<number> {
  const write = (writer: WireWriter): WireWriter => owner(writer, by).string(groupId);
  return flexible('AddOffsetsToTxn', 25, 3, { write, read: readError }, { lane });
}

/** TxnOffsetCommit v3, to the coordinator of the group. Without a member, only the producer's epoch fences. */
export function commitOffsetRequest(
  by: TransactionOwner,
  groupId: string,
  member: MemberIdentity | undefined,
  { topic, partition, offset, metadata }: PartitionProgress,
): KafkaRequest<PartitionError[]> {
  const body = {
    write: (writer: WireWriter) =>
      writer
        .string(by.transactionalId)
        .string(groupId)
        .int64(by.id)
        .int16(by.epoch)
        .int32(member?.generation ?? -1)
        .string(member?.memberId ?? '')
        .string(null)
        .array([topic], (to) =>
          to
            .string(topic)
            .array([partition], (each) =>
              each.int32(partition).int64(offset).int32(-1).string(metadata).tags(),
            )
            .tags(),
        ),
    read: readErrors,
  };
  return flexible('TxnOffsetCommit', 28, 3, body, { lane });
}

/** EndTxn v3. */
export function endRequest(by: TransactionOwner, isCommit: boolean): KafkaRequest<number> {
  const write = (writer: WireWriter): WireWriter => owner(writer, by).bool(isCommit);
  return flexible('EndTxn', 26, 3, { write, read: readError }, { lane });
}

function readError(reader: WireReader): number {
  reader.int32();
  return reader.int16();
}

function readErrors(reader: WireReader): PartitionError[] {
  reader.int32();
  return reader
    .array((from) => {
      const topic = from.string() ?? '';
      const errors = from.array((each) => {
        const error = { topic, partition: each.int32(), errorCode: each.int16() };
        each.tags();
        return error;
      });
      from.tags();
      return errors;
    })
    .flat();
}
