// A transactional producer, on kafkajs, from InitProducerId to its first failure: after that it is not known what the brokers
// have of it, and the next one, by the same name, fences it and ends what it left behind (EOS by transactional id, KIP-98).
import type { Kafka, Message, Producer, Transaction } from 'kafkajs';
import type { OutgoingRecord, StoredAt } from '../../contract/record-sink.ts';
import type { PartitionProgress, TransactionOutcome } from '../../contract/record-source.ts';
import { explainWrite } from './write-refusal.ts';
import { countOfBatch, isOfOneRecord, Placement, requestBytes, toMessage } from './outgoing.ts';

/** `unknown`: it was to be committed, and nobody answered; `storedAt` where it was. */
export type TransactionEnd =
  | TransactionOutcome
  | { readonly kind: 'unknown'; readonly storedAt: readonly StoredAt[]; readonly error: Error };

export interface TransactionalProducer {
  /** True after anything but a `committed`: it cannot be used any more. */
  readonly isSpent: boolean;
  /** One at a time. Never rejects. */
  run(
    groupId: string,
    progress: PartitionProgress,
    records: readonly OutgoingRecord[],
  ): Promise<TransactionEnd>;
  /** Does not wait for what is under way for long. */
  close(): Promise<void>;
}

/**
 * How long a transaction may lie open, in ms: after a crash, readers of committed records wait for it no longer than this,
 * and less where somebody takes the partition over.
 */
const transactionTimeoutMs = 15_000;
/** While the end of the last transaction is still being written, the next one cannot begin, in ms. */
const beginMs = { limit: 5_000, pause: 2, longestPause: 50 };
/** How long an abort, or a close, is waited for, in ms: the next producer, or the timeout, does the rest. */
const farewellMs = 1_000;

/** Resolves when every earlier producer by this name is fenced, and what it left open is ended. */
export async function openTransactionalProducer(
  kafka: Kafka,
  transactionalId: string,
): Promise<TransactionalProducer> {
  const placement = new Placement();
  const producer = kafka.producer({
    transactionalId,
    transactionTimeout: transactionTimeoutMs,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: placement.createPartitioner,
    // None: when one broker fails, the client sends again to the others what is still under way there, and it is stored twice
    // in one transaction. `idempotent` forbids that; for transactions it does nothing but take another producer id.
    retry: { retries: 0 },
  });
  try {
    await producer.connect();
    // The client initialises at the first transaction; nobody but us hears of it until something is added.
    return new OneProducer(producer, placement, await producer.transaction());
  } catch (error) {
    await within(farewellMs, producer.disconnect());
    throw error;
  }
}

class OneProducer implements TransactionalProducer {
  isSpent = false;
  readonly #producer: Producer;
  readonly #placement: Placement;
  #begun: Transaction | undefined;

  constructor(producer: Producer, placement: Placement, begun: Transaction) {
    this.#producer = producer;
    this.#placement = placement;
    this.#begun = begun;
  }

  async run(
    groupId: string,
    progress: PartitionProgress,
    records: readonly OutgoingRecord[],
  ): Promise<TransactionEnd> {
    const storedAt: StoredAt[] = [];
    let transaction: Transaction | undefined;
    let topic: string | undefined;
    try {
      transaction = this.#begun ?? (await this.#producer.transaction());
      this.#begun = undefined;
      await sendOffsets(transaction, groupId, progress);
      for (const batch of batchesOf(records)) {
        topic = batch.topic;
        await this.#send(transaction, batch, storedAt);
      }
    } catch (error) {
      this.isSpent = true;
      if (transaction !== undefined) await within(farewellMs, transaction.abort());
      return endOf(asError(error), topic);
    }
    try {
      await transaction.commit();
      return { kind: 'committed', storedAt };
    } catch (error) {
      this.isSpent = true;
      return { kind: 'unknown', storedAt, error: asError(error) };
    }
  }

  async close(): Promise<void> {
    this.isSpent = true;
    await within(farewellMs, this.#producer.disconnect());
  }

  async #send(transaction: Transaction, batch: Batch, storedAt: StoredAt[]): Promise<void> {
    const { topic, messages, from } = batch;
    const metadata = await transaction.send({ topic, acks: -1, timeout: 10_000, messages });
    for (const [index, place] of this.#placement.places(messages, metadata).entries()) {
      // The client has been seen to resolve without having sent all (tulios/kafkajs#1303).
      if (place === undefined) throw new Error('the broker did not say where a record is stored');
      storedAt[from[index] as number] = place;
    }
  }
}

/** First of all, alone: so that the requests that add partitions, side by side, find the transaction begun. */
async function sendOffsets(
  transaction: Transaction,
  consumerGroupId: string,
  { topic, partition, offset, metadata }: PartitionProgress,
): Promise<void> {
  // The client's types know no metadata; it sends what is there.
  const one = { partition, offset: String(offset), metadata };
  const deadlineMs = performance.now() + beginMs.limit;
  for (let delayMs = beginMs.pause; ; delayMs = Math.min(delayMs * 2, beginMs.longestPause)) {
    try {
      await transaction.sendOffsets({ consumerGroupId, topics: [{ topic, partitions: [one] }] });
      return;
    } catch (error) {
      if (typeOf(error) !== 'CONCURRENT_TRANSACTIONS' || performance.now() >= deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }
}

interface Batch {
  readonly topic: string;
  readonly messages: Message[];
  /** The index of each among the records. */
  readonly from: readonly number[];
}

/** One request each. The order of a topic's records stays. */
function* batchesOf(records: readonly OutgoingRecord[]): Generator<Batch> {
  const indexed = records.map((record, index) => ({ record, index, bytes: requestBytes(record) }));
  for (const [topic, pending] of Map.groupBy(indexed, ({ record }) => record.topic)) {
    while (pending.length > 0) {
      const batch = pending.splice(0, countOfBatch(pending));
      const messages = batch.map(({ record }) => toMessage(record));
      yield { topic, messages, from: batch.map(({ index }) => index) };
    }
  }
}

/** What a broker says because of the topic, or of what it should take there. */
const refusals = [
  'UNKNOWN_TOPIC_OR_PARTITION',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'POLICY_VIOLATION',
];

/** `topic`: that was being written to. */
function endOf(error: Error, topic: string | undefined): TransactionOutcome {
  if (topic === undefined) return { kind: 'aborted', error };
  if (isOfOneRecord(error)) return { kind: 'refused', topic, isOfOneRecord: true, error };
  if (refusals.includes(typeOf(error) ?? ''))
    return { kind: 'refused', topic, isOfOneRecord: false, error: explainWrite(error, topic) };
  return { kind: 'aborted', error };
}

/** Kafka's name of an error, or of the cause of it. */
function typeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return 'type' in error && typeof error.type === 'string' ? error.type : typeOf(error.cause);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Resolves when `work` has ended, well or badly, or after `limitMs`. */
async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
  await Promise.race([work.catch(() => undefined), limit]);
  clearTimeout(timer);
}
