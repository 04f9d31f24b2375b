// The backlog of any wanted trigger, from one poll of Kafka that all share: concurrent readers wait for the
// same poll, and its answer serves for `maxAgeMs`.
import { isDeepStrictEqual } from 'node:util';
import { describeError, MillraceError } from '../../gateway/contract/errors.ts';
import type { Subscription } from '../../gateway/contract/subscription.ts';
import type { OffsetsQuery, OffsetsReader, OffsetsResult } from '../../gateway/kafka/offsets.ts';
import type { EmitScaler } from '../events.ts';
import type { WantedTriggers } from '../wanted-triggers.ts';
import { backlog } from './backlog.ts';

/** What a trigger owes, and over how many partitions of its source. */
export interface Owed {
  readonly records: bigint;
  readonly partitions: number;
}

export interface BacklogReader {
  /**
   * What the trigger owes, at most `maxAgeMs` old. Rejects with MILLRACE_TRIGGER_UNKNOWN or
   * MILLRACE_BACKLOG_UNKNOWN; never answers zero for unknown.
   */
  read(key: string): Promise<Owed>;
  /**
   * Polls now, unless a poll is recent or under way: resolves when Kafka answered, rejects when no broker
   * did.
   */
  refresh(): Promise<void>;
}

export interface BacklogReaderOptions {
  readonly offsets: Pick<OffsetsReader, 'read'>;
  readonly triggers: WantedTriggers;
  /**
   * Milliseconds that an answer is good for; 500 when absent. Failures are kept as long, so that they do not
   * multiply.
   */
  readonly maxAgeMs?: number | undefined;
  readonly emit: EmitScaler;
}

/** What one poll brought, by key; `failure` where no broker answered. */
interface Poll {
  readonly endedMs: number;
  readonly backlogs: ReadonlyMap<
    string,
    { readonly subscription: Subscription; readonly owed: Owed | MillraceError }
  >;
  readonly failure: MillraceError | undefined;
}

export function createBacklogReader(options: BacklogReaderOptions): BacklogReader {
  const { triggers, emit, maxAgeMs = 500 } = options;
  let last: Poll | undefined;
  let flight: Promise<Poll> | undefined;

  /** A poll that is recent enough, or the one under way. */
  function recent(): Promise<Poll> {
    if (flight !== undefined) return flight;
    if (last !== undefined && performance.now() - last.endedMs < maxAgeMs) return Promise.resolve(last);
    flight = poll(options.offsets, triggers.all(), emit).then((done) => {
      last = done;
      flight = undefined;
      return done;
    });
    return flight;
  }

  async function read(key: string): Promise<Owed> {
    // A trigger that is new, or changed since the poll began, waits for a poll of its own: a poll that begins
    // here knows the trigger as it is, so this ends with the first that was not under way already.
    for (;;) {
      const subscription = triggers.get(key);
      const { backlogs, failure } = await recent();
      const known = backlogs.get(key);
      if (known !== undefined && isDeepStrictEqual(known.subscription.source, subscription.source)) {
        if (known.owed instanceof MillraceError) throw known.owed;
        return known.owed;
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

async function poll(
  offsets: Pick<OffsetsReader, 'read'>,
  subscriptions: readonly Subscription[],
  emit: EmitScaler,
): Promise<Poll> {
  const startedMs = performance.now();
  let results: readonly OffsetsResult[] = [];
  let failure: MillraceError | undefined;
  try {
    results = await offsets.read(subscriptions.map(queryOf));
  } catch (error) {
    failure =
      error instanceof MillraceError
        ? error
        : new MillraceError('MILLRACE_KAFKA_FAILED', describeError(error), { cause: error });
  }
  const endedMs = performance.now();
  emit('polled', (endedMs - startedMs) / 1000, subscriptions.length, failure);
  const backlogs = new Map<string, { subscription: Subscription; owed: Owed | MillraceError }>();
  for (const [index, subscription] of subscriptions.entries()) {
    const owed =
      failure === undefined ? owedBy(subscription, results[index]) : unknown(subscription.key, failure);
    backlogs.set(subscription.key, { subscription, owed });
    if (owed instanceof MillraceError) emit('backlogFailed', subscription.key, owed);
    emit('backlog', subscription.key, owed instanceof MillraceError ? undefined : owed.records);
  }
  return { endedMs, backlogs, failure };
}

function queryOf({ source }: Subscription): OffsetsQuery {
  const { initialOffset, consumerGroup: group, topics, topicPattern } = source;
  const startTimestampMs = typeof initialOffset === 'object' ? initialOffset.timestampMs : undefined;
  return { group, topics, topicPattern, startTimestampMs };
}

function owedBy({ key, source }: Subscription, result: OffsetsResult | undefined): Owed | MillraceError {
  if (result === undefined) return unknown(key, new Error('The poll has no answer for it'));
  if (result.kind === 'failed') return unknown(key, result.error);
  try {
    return {
      records: backlog(result.partitions, source.initialOffset),
      partitions: result.partitions.length,
    };
  } catch (error) {
    return unknown(key, error);
  }
}

function unknown(key: string, cause: unknown): MillraceError {
  return new MillraceError('MILLRACE_BACKLOG_UNKNOWN', `The backlog of ${key} is unknown`, { cause });
}
