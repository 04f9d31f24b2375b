// Stores records on kafkajs: what is written while a request is under way leaves with the next one, so that throughput does
// not hang on round trips, and each write learns its own place.
import kafkajs, {
  type ICustomPartitioner,
  type Kafka,
  type Message,
  type Producer,
  type RecordMetadata,
} from 'kafkajs';
import type { OutgoingRecord, RecordSink, StoredAt } from '../contract/ports.ts';

/** Most records of one request. */
const maxBatch = 500;

interface Pending {
  readonly message: Message;
  readonly bytes: number;
  readonly resolve: (storedAt: StoredAt) => void;
  readonly reject: (error: Error) => void;
}

interface TopicQueue {
  pending: Pending[];
  sending: boolean;
}

export interface KafkaRecordSink extends RecordSink {
  /** Connects at the first write. Writes under way are answered before this resolves. */
  close(): Promise<void>;
}

/** Most bytes of one request: half of Kafka's default `message.max.bytes`, unless one record is larger. */
const maxBatchBytes = 512 * 1024;

export function createRecordSink(kafka: Kafka): KafkaRecordSink {
  return new BatchingSink(kafka);
}

class BatchingSink implements KafkaRecordSink {
  readonly #producer: Producer;
  readonly #partitionOf = new WeakMap<Message, number>();
  readonly #queues = new Map<string, TopicQueue>();
  readonly #sends = new Set<Promise<void>>();
  #connected: Promise<void> | undefined;

  constructor(kafka: Kafka) {
    this.#producer = kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: this.#rememberingPartitioner(),
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 },
    });
  }

  write(record: OutgoingRecord): Promise<StoredAt> {
    const { promise, resolve, reject } = Promise.withResolvers<StoredAt>();
    const message = toMessage(record);
    const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0) + 1024;
    let queue = this.#queues.get(record.topic);
    if (queue === undefined) this.#queues.set(record.topic, (queue = { pending: [], sending: false }));
    queue.pending.push({ message, bytes, resolve, reject });
    if (!queue.sending) this.#drain(record.topic, queue);
    return promise;
  }

  async close(): Promise<void> {
    while (this.#sends.size > 0) await Promise.allSettled(this.#sends);
    if (this.#connected !== undefined) await this.#producer.disconnect();
  }

  #drain(topic: string, queue: TopicQueue): void {
    queue.sending = true;
    const send = this.#sendAll(topic, queue).finally(() => this.#sends.delete(send));
    this.#sends.add(send);
  }

  async #sendAll(topic: string, queue: TopicQueue): Promise<void> {
    while (queue.pending.length > 0) await this.#sendLot(topic, takeLot(queue));
    // In the same step as the last look at the queue: what is written next starts anew.
    queue.sending = false;
  }

  async #sendLot(topic: string, lot: readonly Pending[]): Promise<void> {
    try {
      await this.#connect();
      const metadata = await this.#producer.send({
        topic,
        acks: -1,
        timeout: 10_000,
        messages: lot.map((one) => one.message),
      });
      this.#settle(lot, metadata);
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error));
      if (lot.length === 1 || !isOfOneRecord(cause)) for (const { reject } of lot) reject(cause);
      // One record that the broker refuses must not take the others with it.
      else for (const one of lot) await this.#sendLot(topic, [one]);
    }
  }

  #connect(): Promise<void> {
    this.#connected ??= this.#producer.connect().catch((error: unknown) => {
      this.#connected = undefined;
      throw error;
    });
    return this.#connected;
  }

  /** The messages of a partition stand one after the other from its base offset, in the order of the request. */
  #settle(lot: readonly Pending[], metadata: readonly RecordMetadata[]): void {
    const next = new Map(metadata.map(({ partition, baseOffset }) => [partition, BigInt(baseOffset ?? -1)]));
    for (const { message, resolve, reject } of lot) {
      const partition = this.#partitionOf.get(message);
      const offset = partition === undefined ? undefined : next.get(partition);
      if (partition === undefined || offset === undefined) {
        reject(new Error('the broker did not say where the record is stored'));
        continue;
      }
      next.set(partition, offset + 1n);
      resolve({ topic: metadata[0]?.topicName ?? '', partition, offset });
    }
  }

  #rememberingPartitioner(): ICustomPartitioner {
    return () => {
      const choose = kafkajs.Partitioners.DefaultPartitioner();
      return (args) => {
        const partition = choose(args);
        this.#partitionOf.set(args.message, partition);
        return partition;
      };
    };
  }
}

function takeLot(queue: TopicQueue): Pending[] {
  let count = 0;
  let bytes = 0;
  for (const one of queue.pending) {
    if (count > 0 && (count === maxBatch || bytes + one.bytes > maxBatchBytes)) break;
    count += 1;
    bytes += one.bytes;
  }
  return queue.pending.splice(0, count);
}

function toMessage({ key, value, headers, timestampMs }: OutgoingRecord): Message {
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

function isOfOneRecord(error: Error): boolean {
  const isSo = error instanceof kafkajs.KafkaJSProtocolError && errorsOfOneRecord.includes(error.type);
  return isSo || (error.cause instanceof Error && isOfOneRecord(error.cause));
}
