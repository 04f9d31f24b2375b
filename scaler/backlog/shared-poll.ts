// One poll of Kafka for all that is scaled by it: concurrent readers wait for the same poll, and its answer
// serves for `maxAgeMs`.
import { isDeepStrictEqual } from 'node:util';
import { describeError, MillraceError } from '../../core/contract/errors.ts';
import type {
  OffsetsQuery,
  OffsetsReader,
  OffsetsResult,
  PartitionOffsets,
} from '../../core/kafka/offsets/offsets-reader.ts';

/** What is read for now. */
export interface PollTargets<T> {
  /** Throws where nobody wants a target of that key. */
  get(key: string): T;
  all(): readonly T[];
}

export interface SharedPollOptions<T, M> {
  readonly offsets: Pick<OffsetsReader, 'read'>;
  readonly targets: PollTargets<T>;
  readonly queryOf: (target: T) => OffsetsQuery;
  /** What the offsets mean for a target. What it throws is told to readers of that target only. */
  readonly measure: (target: T, partitions: readonly PartitionOffsets[]) => M;
  /**
   * Milliseconds that an answer is good for; 500 when absent. Failures are kept as long, so that they do not
   * multiply.
   */
  readonly maxAgeMs?: number | undefined;
  /** After every poll; `failure` where no broker answered. Must not throw. */
  readonly onPolled?:
    ((seconds: number, targets: number, failure: MillraceError | undefined) => void) | undefined;
  /** After every poll, of every target. Must not throw. */
  readonly onMeasured?: ((key: string, measured: M | MillraceError) => void) | undefined;
}

export interface SharedPoll<M> {
  /**
   * At most `maxAgeMs` old. Rejects as `PollTargets.get` throws, or with MILLRACE_BACKLOG_UNKNOWN; never
   * answers zero for unknown.
   */
  read(key: string): Promise<M>;
  /**
   * Polls now, unless a poll is recent or under way: resolves when Kafka answered, rejects when no broker
   * did.
   */
  refresh(): Promise<void>;
}

/** What one poll brought, by key; `failure` where no broker answered. */
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

  /** A poll that is recent enough, or the one under way. */
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
    // A target that is new, or changed since the poll began, waits for a poll of its own: a poll that begins
    // here knows the target as it is, so this ends with the first that was not under way already.
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
  if (result === undefined) return unknown(target.key, new Error('The poll has no answer for it'));
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
