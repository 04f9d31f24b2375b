// What we store, as kafkajs takes it; where it was stored; and whether a refusal is a single record's.
import kafkajs, { type ICustomPartitioner, type Message, type RecordMetadata } from 'kafkajs';
import type { OutgoingRecord, StoredAt } from '../../contract/record-sink.ts';

/** What a record adds to a request, about, in bytes. */
export function requestBytes({ key, value }: OutgoingRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + 1024;
}

/** Most records and bytes of one request: half of Kafka's default `message.max.bytes`, unless one record is larger. */
const maxBatch = { records: 500, bytes: 512 * 1024 };

/** How many of the first of `pending` fit into one request; at least one. */
export function countOfBatch(pending: readonly { readonly bytes: number }[]): number {
  let count = 0;
  let bytes = 0;
  for (const one of pending) {
    if (count > 0 && (count === maxBatch.records || bytes + one.bytes > maxBatch.bytes)) break;
    count += 1;
    bytes += one.bytes;
  }
  return count;
}

/** Java's partitioner, and what it chose: the client does not tell it. */
export class Placement {
  readonly #partitionOf = new WeakMap<Message, number>();

  readonly createPartitioner: ICustomPartitioner = () => {
    const choose = kafkajs.Partitioners.DefaultPartitioner();
    return (args) => {
      const partition = choose(args);
      this.#partitionOf.set(args.message, partition);
      return partition;
    };
  };

  /**
   * Where each of `messages` is, which were sent in one request to one topic: those of a partition stand one after the other
   * from its base offset, in the order of the request. Undefined where the broker did not say.
   */
  places(messages: readonly Message[], metadata: readonly RecordMetadata[]): (StoredAt | undefined)[] {
    const next = new Map(metadata.map(({ partition, baseOffset }) => [partition, BigInt(baseOffset ?? -1)]));
    const topic = metadata[0]?.topicName ?? '';
    return messages.map((message) => {
      const partition = this.#partitionOf.get(message);
      const offset = partition === undefined ? undefined : next.get(partition);
      if (partition === undefined || offset === undefined) return undefined;
      next.set(partition, offset + 1n);
      return { topic, partition, offset };
    });
  }
}

export function toMessage({ key, value, headers, timestampMs }: OutgoingRecord): Message {
  // Without a prototype: a header may be named `constructor`.
  const byName = Object.create(null) as Record<string, HeaderValue[]>;
  for (const { name, value: bytes } of headers) (byName[name] ??= []).push(bytes);
  for (const values of Object.values(byName)) if (values.includes(null)) allowNull(values);
  const message = { key, value, headers: byName as Record<string, Buffer[]> };
  return timestampMs === undefined ? message : { ...message, timestamp: String(timestampMs) };
}

type HeaderValue = Buffer | null;
type ClientHeader = { readonly key: string; readonly value: HeaderValue };

const noBytes = Buffer.alloc(0);

/**
 * The client writes null as Kafka's null, but measures a value before it looks whether it is null, and throws: it is shown
 * no bytes at that first look. It makes its headers by `map` of the values, so that is where it is told.
 */
function allowNull(values: HeaderValue[]): void {
  const map = (toHeader: (value: HeaderValue) => ClientHeader): ClientHeader[] =>
    Array.from(values, (value) => (value === null ? nullHeader(toHeader(value).key) : toHeader(value)));
  Object.defineProperty(values, 'map', { value: map });
}

function nullHeader(key: string): ClientHeader {
  let isMeasured = false;
  return {
    key,
    get value() {
      if (isMeasured) return null;
      isMeasured = true;
      return noBytes;
    },
  };
}

/** What the broker says of a request because of a single record in it. */
const errorsOfOneRecord = [
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TIMESTAMP',
  'INVALID_RECORD',
];

export function isOfOneRecord(error: Error): boolean {
  const isSo = error instanceof kafkajs.KafkaJSProtocolError && errorsOfOneRecord.includes(error.type);
  return isSo || (error.cause instanceof Error && isOfOneRecord(error.cause));
}
