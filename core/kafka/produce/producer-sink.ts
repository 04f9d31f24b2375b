// Stores records on kafkajs: what is written while a request is under way leaves with the next one, so that throughput does
// not hang on round trips, and each write learns its own place.
import type { Kafka, Message, Producer, RecordMetadata } from 'kafkajs';
import type { OutgoingRecord, RecordSink, StoredAt } from '../../contract/record-sink.ts';
import { explainWrite } from './write-refusal.ts';
import { countOfBatch, isOfOneRecord, Placement, requestBytes, toMessage } from './outgoing.ts';

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

export function createRecordSink(kafka: Kafka): KafkaRecordSink {
  return new BatchingSink(kafka);
}

class BatchingSink implements KafkaRecordSink {
  readonly #producer: Producer;
  readonly #placement = new Placement();
  readonly #queues = new Map<string, TopicQueue>();
  readonly #sends = new Set<Promise<void>>();
  #connected: Promise<void> | undefined;

  constructor(kafka: Kafka) {
    this.#producer = kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: this.#placement.createPartitioner,
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 },
    });
  }

  write(record: OutgoingRecord): Promise<StoredAt> {
    const { promise, resolve, reject } = Promise.withResolvers<StoredAt>();
    const message = toMessage(record);
    let queue = this.#queues.get(record.topic);
    if (queue === undefined) this.#queues.set(record.topic, (queue = { pending: [], sending: false }));
    queue.pending.push({ message, bytes: requestBytes(record), resolve, reject });
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
    while (queue.pending.length > 0)
      await this.#sendBatch(topic, queue.pending.splice(0, countOfBatch(queue.pending)));
    // In the same step as the last look at the queue: what is written next starts anew.
    queue.sending = false;
  }

  async #sendBatch(topic: string, batch: readonly Pending[]): Promise<void> {
    try {
      await this.#connect();
      const metadata = await this.#producer.send({
        topic,
        acks: -1,
        timeout: 10_000,
        messages: batch.map((one) => one.message),
      });
      this.#settle(batch, metadata);
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error));
      if (batch.length === 1 || !isOfOneRecord(cause))
        for (const { reject } of batch) reject(explainWrite(cause, topic));
      // One record that the broker refuses must not take the others with it.
      else for (const one of batch) await this.#sendBatch(topic, [one]);
    }
  }

  #connect(): Promise<void> {
    this.#connected ??= this.#producer.connect().catch((error: unknown) => {
      this.#connected = undefined;
      throw error;
    });
    return this.#connected;
  }

  #settle(batch: readonly Pending[], metadata: readonly RecordMetadata[]): void {
    const places = this.#placement.places(
      batch.map(({ message }) => message),
      metadata,
    );
    for (const [index, { resolve, reject }] of batch.entries()) {
      const place = places[index];
      if (place === undefined) reject(new Error('the broker did not say where the record is stored'));
      else resolve(place);
    }
  }
}
