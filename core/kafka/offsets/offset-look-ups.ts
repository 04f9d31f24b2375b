// What is asked of some partitions only: where those without an offset begin, by time, and whether an offset beyond the last stable one
// is still within the log.
import type { Connections } from '../connection/broker-connections.ts';
import { logEndTimestamp } from '../protocol/wire-requests.ts';
import {
  append,
  listOffsets,
  partitionKey,
  type LedPartition,
  type PartitionKey,
} from './offset-exchange.ts';
import { isBeyondStable, isOutsideLog } from './judge-commit.ts';
import { requestFailed, type OffsetFailure } from './offset-failures.ts';
import type { OffsetsQuery, PartitionOffsets } from './partition-offsets.ts';

/** The partitions that a query is about. */
export interface Plan {
  readonly query: OffsetsQuery;
  readonly partitions: readonly LedPartition[];
}

type Answer = PartitionOffsets[] | OffsetFailure;

/** Kafka left out of its answer what it was asked for: unknown is an error, never zero. */
export function unanswered(what: string): OffsetFailure {
  return requestFailed(new Error(`Kafka's answer has nothing about ${what}`));
}

/** Fills `highWatermark` in. */
export async function lookUpHighWatermarks(
  connections: Connections,
  plans: readonly (Plan | OffsetFailure)[],
  answers: Answer[],
  deadlineMs: number,
): Promise<void> {
  const wanted = new Map<PartitionKey, LedPartition>();
  for (const led of plans.flatMap((plan, index) => chosen(plan, answers[index], isBeyondStable)))
    wanted.set(partitionKey(led.topic, led.partition), led);
  if (wanted.size === 0) return;
  const found = await listOffsets(
    connections,
    wanted.values(),
    logEndTimestamp,
    deadlineMs,
    'high watermark',
  );
  fill(answers, (offsets) => {
    if (!isBeyondStable(offsets)) return offsets;
    const highWatermark = found.get(partitionKey(offsets.topic, offsets.partition)) ?? unanswered('an end');
    return typeof highWatermark === 'bigint' ? { ...offsets, highWatermark } : highWatermark;
  });
}

/** Fills `atStartTimestamp` in; one request per broker and distinct time. */
export async function lookUpStarts(
  connections: Connections,
  plans: readonly (Plan | OffsetFailure)[],
  answers: Answer[],
  deadlineMs: number,
): Promise<void> {
  const perTime = new Map<number, LedPartition[]>();
  for (const [index, plan] of plans.entries()) {
    if ('error' in plan || plan.query.startTimestampMs === undefined) continue;
    for (const led of chosen(plan, answers[index], isWithoutOffset))
      append(perTime, plan.query.startTimestampMs, led);
  }
  const lookUps = [...perTime].map(async ([timestampMs, all]) => {
    const wanted = new Map(all.map((led) => [partitionKey(led.topic, led.partition), led]));
    return [
      timestampMs,
      await listOffsets(connections, wanted.values(), BigInt(timestampMs), deadlineMs),
    ] as const;
  });
  const found = new Map(await Promise.all(lookUps));
  for (const [index, plan] of plans.entries()) {
    const starts = 'error' in plan ? undefined : found.get(plan.query.startTimestampMs ?? -1);
    const answer = answers[index];
    if (starts === undefined || !Array.isArray(answer)) continue;
    answers[index] = mapped(answer, (offsets) => withStart(offsets, starts));
  }
}

function isWithoutOffset(offsets: PartitionOffsets): boolean {
  return offsets.committed === undefined || isOutsideLog(offsets);
}

function withStart(
  offsets: PartitionOffsets,
  starts: ReadonlyMap<PartitionKey, bigint | OffsetFailure>,
): PartitionOffsets | OffsetFailure {
  if (!isWithoutOffset(offsets)) return offsets;
  const at = starts.get(partitionKey(offsets.topic, offsets.partition)) ?? unanswered('a time');
  return typeof at === 'bigint' ? { ...offsets, atStartTimestamp: at < 0n ? offsets.end : at } : at;
}

/** The partitions of `plan` whose offsets are `wanted`: offsets stand in the order of partitions. */
export function chosen(
  plan: Plan | OffsetFailure,
  answer: Answer | undefined,
  wanted: (offsets: PartitionOffsets) => boolean,
): LedPartition[] {
  if ('error' in plan || !Array.isArray(answer)) return [];
  return plan.partitions.filter((_led, at) => {
    const offsets = answer[at];
    return offsets !== undefined && wanted(offsets);
  });
}

/** Changes the offsets of all answers; a failure takes the place of its answer. */
export function fill(
  answers: Answer[],
  change: (offsets: PartitionOffsets) => PartitionOffsets | OffsetFailure,
): void {
  for (const [index, answer] of answers.entries())
    if (Array.isArray(answer)) answers[index] = mapped(answer, change);
}

/** The first failure, if there is one. */
function mapped(
  answer: readonly PartitionOffsets[],
  change: (offsets: PartitionOffsets) => PartitionOffsets | OffsetFailure,
): Answer {
  const changed: PartitionOffsets[] = [];
  for (const offsets of answer) {
    const next = change(offsets);
    if ('error' in next) return next;
    changed.push(next);
  }
  return changed;
}
