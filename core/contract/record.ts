// Kafka records in memory: bytes as they were stored, offsets as bigint.

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A record may have several headers of the same name. Their values may be any bytes. */
export interface RecordHeader {
  readonly name: string;
  /** The bytes of a name that is not UTF-8; `name` is then what can be shown of it. */
  readonly nameBytes?: Buffer | undefined;
  readonly value: Buffer | null;
}

export interface KafkaRecord extends TopicPartition {
  readonly offset: bigint;
  readonly timestampMs: number;
  /** `key`, `value` and header values may be views of what was fetched: whoever keeps the record copies them. */
  key: Buffer | null;
  value: Buffer | null;
  headers: readonly RecordHeader[];
}

/** What the objects around the contents take until the record is settled, in bytes: of a record with its event, and of each header. */
export const overhead = { record: 1_300, header: 240 } as const;

/** The memory that a buffered record counts for, in bytes. */
export function recordBytes(record: KafkaRecord): number {
  const { key, value, headers } = record;
  let bytes = overhead.record + headers.length * overhead.header + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers)
    bytes += header.name.length + (header.nameBytes?.length ?? 0) + (header.value?.length ?? 0);
  return bytes;
}

/** `orders-3`, as Kafka's own tools write it. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
