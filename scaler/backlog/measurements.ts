// What is measured by the offsets of a target: a trigger or a consumer group. Kafka is asked about a target when somebody reads it, and the
// answer is cached for `maxAgeMs`. Each target waits for its own answer only, and no reader waits longer than KEDA does.
import { MillraceError } from '../../core/contract/errors.ts';
import type { KafkaAccess } from '../../core/contract/kafka-access.ts';
import type {
  OffsetsQuery,
  OffsetsResult,
  PartitionOffsets,
} from '../../core/kafka/offsets/partition-offsets.ts';

/** Where offsets come from: the part of `ClustersReader` that is used here. */
export interface OffsetsSource {
  /** Never rejects. */
  readOne(query: OffsetsQuery): Promise<OffsetsResult>;
  /** What those who wait for an answer of this cluster wait for. */
  waitsFor(access: KafkaAccess | undefined): string | undefined;
}

export interface MeasurementsOptions<T, M> {
  readonly offsets: OffsetsSource;
  /** Throws if there is no target of that key. The same object as long as nothing about the target has changed. */
  readonly targetOf: (key: string) => T;
  readonly queryOf: (target: T) => OffsetsQuery;
  /** Turns offsets into the answer for a target. If it throws, only the reads of that target reject. */
  readonly measure: (target: T, partitions: readonly PartitionOffsets[]) => M;
  /**
   * Milliseconds for which an answer is cached. Default: 500. Failures are cached as long, so that an outage does not
   * multiply requests.
   */
  readonly maxAgeMs?: number | undefined;
  /**
   * Milliseconds that a reader waits. Default: 2,000, because KEDA's metrics server gives up after 3 s, in which the scaler is asked
   * twice. Then the last answer counts, if it is younger than `staleMs` (default: 15,000, the time between two requests of an HPA);
   * otherwise the answer is unknown. The question goes on, and its answer is there for the next reader.
   */
  readonly waitMs?: number | undefined;
  readonly staleMs?: number | undefined;
  /** Called for every answer of Kafka. Must not throw. */
  readonly onMeasured?: ((key: string, measured: M | MillraceError) => void) | undefined;
}

export interface Measurements<M> {
  /**
   * The answer for a target. Rejects with what `targetOf` throws, or with MILLRACE_BACKLOG_UNKNOWN. An unknown backlog is never
   * reported as zero.
   */
  read(key: string): Promise<M>;
  /** As `read`, but asks Kafka however young the last answer is. */
  measure(key: string): Promise<M>;
  /** Lets go what is known of a target. */
  forget(key: string): void;
}

interface Answer<M> {
  readonly measured: M | MillraceError;
  readonly endedMs: number;
}

/** What is known of one target. */
interface Entry<T, M> {
  readonly target: T;
  readonly query: OffsetsQuery;
  last: Answer<M> | undefined;
  underWay: Promise<Answer<M>> | undefined;
}

export function createMeasurements<T extends { readonly key: string }, M>(
  options: MeasurementsOptions<T, M>,
): Measurements<M> {
  return new CachedMeasurements(options);
}

class CachedMeasurements<T extends { readonly key: string }, M> implements Measurements<M> {
  readonly #options: MeasurementsOptions<T, M>;
  readonly #entries = new Map<string, Entry<T, M>>();

  constructor(options: MeasurementsOptions<T, M>) {
    this.#options = options;
  }

  async read(key: string): Promise<M> {
    const entry = this.#entryOf(key);
    const { maxAgeMs = 500 } = this.#options;
    if (entry.last !== undefined && ageOf(entry.last) < maxAgeMs) return valueOf(entry.last);
    return this.#await(key, entry);
  }

  async measure(key: string): Promise<M> {
    return this.#await(key, this.#entryOf(key));
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }

  /** A target that was edited starts afresh. */
  #entryOf(key: string): Entry<T, M> {
    const target = this.#options.targetOf(key);
    const known = this.#entries.get(key);
    if (known?.target === target) return known;
    const query = this.#options.queryOf(target);
    const entry: Entry<T, M> = { target, query, last: undefined, underWay: undefined };
    this.#entries.set(key, entry);
    return entry;
  }

  async #await(key: string, entry: Entry<T, M>): Promise<M> {
    const { waitMs = 2_000, staleMs = 15_000, offsets } = this.#options;
    entry.underWay ??= this.#ask(key, entry);
    const answer = await within(entry.underWay, waitMs);
    if (answer !== undefined) return valueOf(answer);
    const { last } = entry;
    if (last !== undefined && !(last.measured instanceof MillraceError) && ageOf(last) < staleMs)
      return last.measured;
    const stage = offsets.waitsFor(entry.query.access) ?? 'no answer';
    const message = `Kafka takes more than ${waitMs / 1000} s: ${stage} yet`;
    throw unknown(key, new MillraceError('MILLRACE_KAFKA_UNREACHABLE', message));
  }

  /** Never rejects. */
  async #ask(key: string, entry: Entry<T, M>): Promise<Answer<M>> {
    const { offsets, onMeasured } = this.#options;
    const measured = this.#measured(entry.target, await offsets.readOne(entry.query));
    entry.underWay = undefined;
    entry.last = { measured, endedMs: performance.now() };
    if (this.#entries.get(key) === entry) onMeasured?.(key, measured);
    return entry.last;
  }

  #measured(target: T, result: OffsetsResult): M | MillraceError {
    if (result.kind === 'failed') return unknown(target.key, result.error);
    try {
      return this.#options.measure(target, result.partitions);
    } catch (error) {
      return unknown(target.key, error);
    }
  }
}

function ageOf({ endedMs }: Answer<unknown>): number {
  return performance.now() - endedMs;
}

function valueOf<M>({ measured }: Answer<M>): M {
  if (measured instanceof MillraceError) throw measured;
  return measured;
}

function unknown(key: string, cause: unknown): MillraceError {
  return new MillraceError('MILLRACE_BACKLOG_UNKNOWN', `The backlog of ${key} is unknown`, { cause });
}

/** Undefined when the time is over. */
async function within<T>(work: Promise<T>, limitMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, limitMs, undefined);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
