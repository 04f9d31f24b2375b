// Chooses the records of one request: the first of one lane, or for `contentMode: batched` as many as fit, from any lanes.
import type { CloudEvent } from '../../core/contract/event.ts';
import { recordBytes } from '../../core/contract/record.ts';
import type { FunctionSettings } from '../../core/contract/subscription.ts';
import type { Lane, Lanes } from '../delivery/lanes.ts';
import type { PendingRecord } from './pending-record.ts';

/**
 * Takes the next batch. There must be a next lane, and its first record must be ready for an attempt. `maxBytes` limits the sum of
 * the record sizes; a single record may exceed it alone. `mostEvents`, at least 1, is a further limit. A record that failed in a
 * batch goes only with records of the same `batchLimit`, so that it makes no other batch fail.
 */
export function gatherBatch(
  lanes: Lanes<PendingRecord>,
  settings: FunctionSettings,
  mostEvents = Infinity,
): Lane<PendingRecord>[] {
  const batch: Lane<PendingRecord>[] = [];
  if (settings.contentMode !== 'batched') {
    const lane = lanes.next();
    if (lane !== undefined) {
      lanes.take(lane, 1);
      batch.push(lane);
    }
    return batch;
  }
  const { maxEvents, maxBytes } = settings.batch;
  const limit = lanes.next()?.at(0).batchLimit;
  const room = { events: Math.min(maxEvents, mostEvents, limit ?? Infinity), bytes: maxBytes };
  for (let lane = lanes.next(); lane !== undefined; lane = lanes.next()) {
    const count = countFitting(lane, room, limit, batch.length === 0);
    if (count === 0) break;
    lanes.take(lane, count);
    batch.push(lane);
  }
  return batch;
}

/** Marks all records of a batch as under way, and returns their events. */
export function beginBatch(batch: readonly Lane<PendingRecord>[]): CloudEvent[] {
  const events: CloudEvent[] = [];
  for (const lane of batch) {
    for (let index = 0; index < lane.taken; index += 1) {
      const pending = lane.at(index);
      pending.begin();
      if (pending.event !== undefined) events.push(pending.event);
    }
  }
  return events;
}

/** How many of the first records of `lane` fit into `room`, which is reduced by them. */
function countFitting(
  lane: Lane<PendingRecord>,
  room: { events: number; bytes: number },
  limit: number | undefined,
  isFirst: boolean,
): number {
  let count = 0;
  while (count < lane.length && room.events > 0) {
    const { cause, reply, record, batchLimit } = lane.at(count);
    if (cause !== undefined || reply !== undefined || batchLimit !== limit) break;
    const bytes = recordBytes(record);
    if (bytes > room.bytes && !(isFirst && count === 0)) break;
    room.events -= 1;
    room.bytes -= bytes;
    count += 1;
  }
  return count;
}

/** The record that the reply to a batch belongs to: a batch has one answer, and its reply counts for the last event that was delivered. */
export function lastDelivered(
  batch: readonly Lane<PendingRecord>[],
  failedIds: ReadonlySet<string> | undefined,
): PendingRecord | undefined {
  let last: PendingRecord | undefined;
  for (const lane of batch) {
    for (let index = 0; index < lane.taken; index += 1) {
      const pending = lane.at(index);
      if (failedIds?.has(pending.event?.id ?? '') !== true) last = pending;
    }
  }
  return last;
}
