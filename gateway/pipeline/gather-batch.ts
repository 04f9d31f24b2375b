// Which deliveries go in one request: the first of one lane, or for `contentMode: batched` as many as fit, of any lanes.
import type { CloudEvent } from '../../core/contract/event.ts';
import { recordBytes } from '../../core/contract/record.ts';
import type { FunctionSettings } from '../../core/contract/subscription.ts';
import type { Lane, Lanes } from '../delivery/lanes.ts';
import type { PendingRecord } from './pending-record.ts';

/**
 * Takes the next batch; there must be a next lane, with a delivery first that can be attempted. The sizes that `maxBytes` is
 * held against are those of the records: one record may exceed it alone. `mostEvents`, at least 1, is a limit besides. What failed
 * in batches goes with its like, in batches of the size that is left to it: it spoils no other batch.
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

/** Begins all deliveries of a batch; their events. */
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

/** How many of the first deliveries of `lane` fit into what is left of `room`, which they are taken from. */
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

/** A batch is answered once: its reply belongs to the last event that was delivered in it. */
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
