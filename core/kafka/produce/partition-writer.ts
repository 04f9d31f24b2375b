// Stores records in one partition, in the order in which they came, once: one batch at a time, with the partition's sequence numbers (KIP-98).
//
//   write ──► pending ──► batch ──stored──► next batch
//                           │ ▲
//                           │ └─ passing: the same bytes again, after a pause, until the limit is over
//                           ├─ single records refused: these fail, the others go again; where nobody says which, in halves
//                           └─ unknown until the limit is over: all fail, and the sequence begins anew with another producer id
import { describeError } from '../../contract/errors.ts';
import type { OutgoingRecord, StoredAt } from '../../contract/record-sink.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import { sleep } from '../connection/sleep.ts';
import { requestFailed } from '../offsets/offset-failures.ts';
import { typeOf } from './answer-failure.ts';
import { meaningOf, type AnswerMeaning } from './answer-meaning.ts';
import type { BrokerRequests } from './broker-requests.ts';
import { countOfBatch, encodeRecords, sequenceAfter } from './outgoing.ts';
import type { ProducerId } from './produce-requests.ts';
import type { ProducerIds } from './producer-ids.ts';
import type { LeaderLookup } from './leader-lookup.ts';
import { explainWrite } from './write-refusal.ts';

export interface Write {
  readonly record: OutgoingRecord;
  readonly bytes: number;
  readonly resolve: (storedAt: StoredAt) => void;
  readonly reject: (error: Error) => void;
}

export interface PartitionWriterOptions {
  readonly producers: ProducerIds;
  readonly leaders: LeaderLookup;
  readonly requests: BrokerRequests;
  /** After the abort, nothing is tried again. */
  readonly signal: AbortSignal;
}

/** Pauses between two tries, in ms. */
const retryMs = { first: 100, longest: 1_000 };
/**
 * How long a partition may fail before writes to it do, in ms. Whoever wrote may write again, and store a record twice that was there already:
 * so what may be stored has longer, enough for the election of another leader.
 */
const limitMs = { notStored: 3_000, maybeStored: 60_000 };

/** What is sent, and sent again. */
interface Batch {
  readonly writes: readonly Write[];
  readonly producer: ProducerId;
  readonly bytes: Buffer;
  /** An earlier request with it may have stored it. */
  isDoubtful: boolean;
}

type Failed =
  | Exclude<AnswerMeaning, { readonly kind: 'stored' }>
  | { readonly kind: 'passing'; readonly isStored: 'no' | 'maybe'; readonly failure: Error }
  | { readonly kind: 'refused' | 'unknown'; readonly failure: Error };

type Outcome = Failed | Extract<AnswerMeaning, { readonly kind: 'stored' }>;

export class PartitionWriter {
  readonly #at: TopicPartition;
  readonly #options: PartitionWriterOptions;
  #pending: Write[] = [];
  /** Taken back: each is a batch of its own, before all that is pending. */
  readonly #regrouped: Write[][] = [];
  /** Whom the partition knows the sequence of. */
  #producer: ProducerId | undefined;
  #sequence = 0;
  #failingSinceMs: number | undefined;
  #running: Promise<void> | undefined;

  constructor(at: TopicPartition, options: PartitionWriterOptions) {
    this.#at = at;
    this.#options = options;
  }

  /** Resolves, once all that was written is settled; undefined where it is. Never rejects. */
  get running(): Promise<void> | undefined {
    return this.#running;
  }

  write(write: Write): void {
    this.#pending.push(write);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // What is written in this step leaves together.
    await Promise.resolve();
    for (let writes = this.#take(); writes.length > 0; writes = this.#take()) await this.#store(writes);
    // In the same step as the last look: what is written next starts anew.
    this.#running = undefined;
  }

  #take(): Write[] {
    return this.#regrouped.shift() ?? this.#pending.splice(0, countOfBatch(this.#pending));
  }

  /** Until each is settled, or taken back. */
  async #store(writes: readonly Write[]): Promise<void> {
    let batch: Batch | undefined;
    for (let delayMs = retryMs.first; ; delayMs = Math.min(delayMs * 2, retryMs.longest)) {
      let outcome: Outcome;
      try {
        batch ??= await this.#encode(writes);
        outcome = await this.#send(batch);
      } catch (error) {
        outcome = failedBefore(error);
      }
      if (outcome.kind === 'stored') {
        this.#stored(writes, outcome.baseOffset);
        return;
      }
      if (!this.#goesOn(writes, batch, outcome)) return;
      if (outcome.kind === 'producer lost') batch = undefined;
      this.#options.leaders.forget(this.#at.topic);
      await sleep(delayMs, this.#options.signal);
    }
  }

  async #encode(writes: readonly Write[]): Promise<Batch> {
    const { producers } = this.#options;
    if (this.#producer === undefined || !producers.isCurrent(this.#producer)) {
      this.#producer = await producers.current();
      this.#sequence = 0;
    }
    const origin = { producer: this.#producer, baseSequence: this.#sequence, isTransactional: false };
    const bytes = encodeRecords(
      writes.map(({ record }) => record),
      origin,
    );
    return { writes, producer: this.#producer, bytes, isDoubtful: false };
  }

  async #send(batch: Batch): Promise<Outcome> {
    const { leaders, requests } = this.#options;
    const leader = await leaders.of(this.#at.topic, this.#at.partition);
    if ('error' in leader) {
      const { passing, error: failure } = leader;
      return passing ? { kind: 'passing', isStored: 'no', failure } : { kind: 'refused', failure };
    }
    try {
      return meaningOf(await requests.send(leader, { ...this.#at, bytes: batch.bytes }));
    } catch (error) {
      const { passing, error: failure } = requestFailed(error);
      return passing ? { kind: 'passing', isStored: 'maybe', failure } : { kind: 'unknown', failure };
    }
  }

  #stored(writes: readonly Write[], baseOffset: bigint): void {
    this.#failingSinceMs = undefined;
    this.#sequence = sequenceAfter(this.#sequence, writes.length);
    for (const [index, { resolve }] of writes.entries())
      resolve({ ...this.#at, offset: baseOffset < 0n ? -1n : baseOffset + BigInt(index) });
  }

  /** Whether there is another try; if not, all are settled, or taken back. */
  #goesOn(writes: readonly Write[], batch: Batch | undefined, outcome: Failed): boolean {
    this.#failingSinceMs ??= performance.now();
    if (batch !== undefined && mayBeStored(outcome)) batch.isDoubtful = true;
    const isDoubtful = batch?.isDoubtful === true;
    if (outcome.kind === 'records refused' && !isDoubtful) {
      this.#refuse(writes, outcome.indexes, outcome.failure);
      return false;
    }
    const isLost = outcome.kind === 'producer lost';
    // What follows must not take the sequence numbers of what may be there.
    const isLast = !(outcome.kind === 'passing' || (isLost && !isDoubtful)) || this.#isOver(isDoubtful);
    if (batch !== undefined && (isLost || (isLast && isDoubtful)))
      this.#options.producers.giveUp(batch.producer);
    if (isLast) this.#fail(writes, outcome.failure, isDoubtful);
    return !isLast;
  }

  #isOver(isDoubtful: boolean): boolean {
    const limit = isDoubtful ? limitMs.maybeStored : limitMs.notStored;
    return this.#options.signal.aborted || performance.now() >= (this.#failingSinceMs ?? 0) + limit;
  }

  #fail(writes: readonly Write[], failure: Error, isDoubtful: boolean): void {
    const cause = explainWrite(failure, this.#at.topic);
    const error = isDoubtful
      ? new Error(`whether ${partitionName(this.#at)} has the record is not known: ${describeError(cause)}`)
      : cause;
    for (const { reject } of writes) reject(error);
  }

  /** Those at `indexes` fail, and the others are sent again; where there are none, in halves, until the one to blame is alone. */
  #refuse(writes: readonly Write[], indexes: ReadonlySet<number>, failure: Error): void {
    this.#failingSinceMs = undefined;
    const left = writes.filter((_write, index) => !indexes.has(index));
    if (left.length < writes.length || writes.length === 1) {
      for (const [index, { reject }] of writes.entries())
        if (indexes.has(index) || writes.length === 1) reject(failure);
      if (left.length > 0 && writes.length > 1) this.#regrouped.unshift(left);
      return;
    }
    const half = Math.ceil(writes.length / 2);
    this.#regrouped.unshift(writes.slice(0, half), writes.slice(half));
  }
}

function mayBeStored(outcome: Failed): boolean {
  return outcome.kind === 'unknown' || (outcome.kind === 'passing' && outcome.isStored === 'maybe');
}

/** What a broker says that has no producer id to give yet. */
const notReady = ['COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'REQUEST_TIMED_OUT'];

/** Before anything was sent. */
function failedBefore(error: unknown): Failed {
  const { passing, error: failure } = requestFailed(error);
  return passing || notReady.includes(typeOf(error) ?? '')
    ? { kind: 'passing', isStored: 'no', failure }
    : { kind: 'refused', failure };
}
