// The request that makes committed offsets last. Brokers forget the offsets of a group that nobody is in after `offsets.retention.minutes`, seven
// days by default; committing them again does not help, because the time counts from when the last member left. OffsetCommit v4, the last
// with a retention time of its own, does. All brokers since Kafka 3.0 have it.
import type { CommitAnswer } from '../group/coordinator/offset-commit-request.ts';
import type { KafkaRequest } from '../protocol/wire-requests.ts';
import type { WireReader } from '../protocol/wire.ts';

export interface KeptOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly metadata: string;
}

/** Not as a member: the group takes it only while nobody is in it. */
export function keepOffsetsRequest(
  group: string,
  offsets: readonly KeptOffset[],
  retentionMs: number,
): KafkaRequest<CommitAnswer[]> {
  return {
    apiKey: 8,
    apiVersion: 4,
    apiName: 'OffsetCommit',
    encode() {
      const topics = [...Map.groupBy(offsets, ({ topic }) => topic)];
      const nobody = [int32(-1), text('')];
      return Buffer.concat([text(group), ...nobody, int64(BigInt(retentionMs)), ...list(topics, topicOf)]);
    },
    decode(reader) {
      reader.int32();
      return Array.from({ length: reader.int32() }, () => answersOf(reader)).flat();
    },
  };
}

function topicOf([topic, offsets]: [string, readonly KeptOffset[]]): Buffer {
  const partitionOf = ({ partition, offset, metadata }: KeptOffset): Buffer =>
    Buffer.concat([int32(partition), int64(offset), text(metadata)]);
  return Buffer.concat([text(topic), ...list(offsets, partitionOf)]);
}

function answersOf(reader: WireReader): CommitAnswer[] {
  // The version is older than compact lengths.
  const name = Array.from({ length: reader.int16() }, () => reader.int8());
  const topic = Buffer.from(name).toString();
  return Array.from({ length: reader.int32() }, () => {
    const partition = reader.int32();
    return { topic, partition, errorCode: reader.int16() };
  });
}

function list<T>(items: readonly T[], bytesOf: (item: T) => Buffer): Buffer[] {
  return [int32(items.length), ...items.map(bytesOf)];
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}
