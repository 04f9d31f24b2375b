// Kafka records in memory: bytes as they were stored, offsets as bigint.

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A record may have several headers of the same name. Their values may be any bytes. */
export interface RecordHeader {
  readonly name: string;
  readonly value: Buffer | null;
}

export interface KafkaRecord extends TopicPartition {
  readonly offset: bigint;
  readonly timestampMs: number;
  /** `key`, `value` and header values may be views into a fetched batch; see `ownBytes`. */
  key: Buffer | null;
  value: Buffer | null;
  headers: readonly RecordHeader[];
}

/** The memory that a buffered record counts for, in bytes: its contents, and a fixed overhead for the objects around them. */
export function recordBytes(record: KafkaRecord): number {
  let bytes = 512 + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const header of record.headers) bytes += header.name.length + (header.value?.length ?? 0);
  return bytes;
}

/**
 * Copies the bytes of `record` out of the fetched batch. They were views into it, so a record that outlives its neighbours would keep the
 * whole batch in memory.
 */
export function ownBytes(record: KafkaRecord): void {
  if (record.key !== null) record.key = Buffer.from(record.key);
  if (record.value !== null) record.value = Buffer.from(record.value);
  record.headers = record.headers.map(({ name, value }) => ({ name, value: value && Buffer.from(value) }));
}

/** `orders-3`, as Kafka's own tools write it. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
