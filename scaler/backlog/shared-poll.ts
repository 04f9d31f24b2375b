// One poll of Kafka for everything that is scaled by lag. Concurrent readers wait for the same poll, and its answer is
// cached for `maxAgeMs`.
import { isDeepStrictEqual } from 'node:util';
import { describeError, MillraceError } from '../../core/contract/errors.ts';
import type {
  OffsetsQuery,
  OffsetsReader,
  OffsetsResult,
  PartitionOffsets,
} from '../../core/kafka/offsets/offsets-reader.ts';

/** What each poll reads offsets for. */
export interface PollTargets<T> {
  /** Throws if there is no target of that key. */
  get(key: string): T;
  all(): readonly T[];
}

export interface SharedPollOptions<T, M> {
  readonly offsets: Pick<OffsetsReader, 'read'>;
  readonly targets: PollTargets<T>;
  readonly queryOf: (target: T) => OffsetsQuery;
  /** Turns offsets into the answer for a target. If it throws, only the reads of that target reject. */
  readonly measure: (target: T, partitions: readonly PartitionOffsets[]) => M;
  /**
   * Milliseconds for which an answer is cached. Default: 500. Failures are cached as long, so that an outage does not
   * multiply requests.
   */
  readonly maxAgeMs?: number | undefined;
  /** Called after every poll, with a `failure` if no broker answered. Must not throw. */
  readonly onPolled?:
    ((seconds: number, targets: number, failure: MillraceError | undefined) => void) | undefined;
  /** Called after every poll, for every target. Must not throw. */
  readonly onMeasured?: ((key: string, measured: M | MillraceError) => void) | undefined;
}

export interface SharedPoll<M> {
  /**
   * The answer for a target, at most `maxAgeMs` old. Rejects with what `PollTargets.get` throws, or with
   * MILLRACE_BACKLOG_UNKNOWN. An unknown backlog is never reported as zero.
   */
  read(key: string): Promise<M>;
  /**
   * Polls now, unless a poll is recent or in progress. Resolves when Kafka has answered, and rejects if no broker
   * answers.
   */
  refresh(): Promise<void>;
}

/** The answers of one poll, by key; `failure` if no broker answered. */
interface Poll<M> {
  readonly endedMs: number;
  readonly answers: ReadonlyMap<
    string,
    { readonly query: OffsetsQuery; readonly measured: M | MillraceError }
  >;
  readonly failure: MillraceError | undefined;
}

export function createSharedPoll<T extends { readonly key: string }, M>(
  options: SharedPollOptions<T, M>,
): SharedPoll<M> {
  const { targets, queryOf, maxAgeMs = 500 } = options;
  let last: Poll<M> | undefined;
  let flight: Promise<Poll<M>> | undefined;

  /** The last poll if it is recent enough, else the one in progress or a new one. */
  function recent(): Promise<Poll<M>> {
    if (flight !== undefined) return flight;
    if (last !== undefined && performance.now() - last.endedMs < maxAgeMs) return Promise.resolve(last);
    flight = poll(options).then((done) => {
      last = done;
      flight = undefined;
      return done;
    });
    return flight;
  }

  async function read(key: string): Promise<M> {
    // A target that was added or changed after the poll began waits for the next poll. A poll that begins here knows the
    // target as it is now, so the loop ends at the latest with the first poll that was not in progress already.
    for (;;) {
      const query = queryOf(targets.get(key));
      const { answers, failure } = await recent();
      const known = answers.get(key);
      if (known !== undefined && isDeepStrictEqual(known.query, query)) {
        if (known.measured instanceof MillraceError) throw known.measured;
        return known.measured;
      }
      if (failure !== undefined) throw unknown(key, failure);
      if (flight === undefined) last = undefined;
    }
  }

  return {
    read,
    async refresh() {
      const { failure } = await recent();
      if (failure !== undefined) throw failure;
    },
  };
}

async function poll<T extends { readonly key: string }, M>(
  options: SharedPollOptions<T, M>,
): Promise<Poll<M>> {
  const targets = options.targets.all();
  const queries = targets.map(options.queryOf);
  const startedMs = performance.now();
  let results: readonly OffsetsResult[] = [];
  let failure: MillraceError | undefined;
  try {
    results = await options.offsets.read(queries);
  } catch (error) {
    failure =
      error instanceof MillraceError
        ? error
        : new MillraceError('MILLRACE_KAFKA_FAILED', describeError(error), { cause: error });
  }
  const endedMs = performance.now();
  options.onPolled?.((endedMs - startedMs) / 1000, targets.length, failure);
  const answers = new Map<string, { query: OffsetsQuery; measured: M | MillraceError }>();
  for (const [index, query] of queries.entries()) {
    const target = targets[index] as T;
    const measured =
      failure === undefined ? measuredBy(options, target, results[index]) : unknown(target.key, failure);
    answers.set(target.key, { query, measured });
    options.onMeasured?.(target.key, measured);
  }
  return { endedMs, answers, failure };
}

function measuredBy<T extends { readonly key: string }, M>(
  { measure }: SharedPollOptions<T, M>,
  target: T,
  result: OffsetsResult | undefined,
): M | MillraceError {
  if (result === undefined) return unknown(target.key, new Error('The poll returned no offsets for it'));
  if (result.kind === 'failed') return unknown(target.key, result.error);
  try {
    return measure(target, result.partitions);
  } catch (error) {
    return unknown(target.key, error);
  }
}

function unknown(key: string, cause: unknown): MillraceError {
  return new MillraceError('MILLRACE_BACKLOG_UNKNOWN', `The backlog of ${key} is unknown`, { cause });
}
