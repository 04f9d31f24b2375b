// Chooses the records of one request: the first of one lane, or for `contentMode: batched` as many as fit, from any lanes. A record of a batch is
// encoded when it is chosen, because `maxBytes` counts the bytes of the request.
import type { CloudEvent } from '../../core/contract/event.ts';
import type { FunctionSettings } from '../../core/contract/subscription.ts';
import type { Lane, Lanes } from '../delivery/lanes.ts';
import { memberOf, type JsonMember } from '../events/encode-json.ts';
import type { RequestContent } from '../events/encode-request.ts';
import type { PendingRecord } from './pending-record.ts';

/**
 * Takes the next batch. There must be a next lane, and its first record must be ready for an attempt. `maxBytes` limits the body of the
 * request; a single event may exceed it alone. No two events of a batch have the same id, because a function names by it which have failed. `mostEvents`, at least 1, is a further limit. A record that failed in a
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
  const ids = new Set<string>();
  // The bracket before the first.
  const room = { events: Math.min(maxEvents, mostEvents, limit ?? Infinity), bytes: maxBytes - 1, ids };
  for (let lane = lanes.next(); lane !== undefined; lane = lanes.next()) {
    const count = countFitting(lane, room, limit, batch.length === 0);
    if (count === 0) break;
    lanes.take(lane, count);
    batch.push(lane);
  }
  return batch;
}

/** Marks all records of a batch as under way, and returns what is sent. */
export function beginBatch(batch: readonly Lane<PendingRecord>[]): RequestContent {
  const events: CloudEvent[] = [];
  const members: JsonMember[] = [];
  for (const lane of batch) {
    for (let index = 0; index < lane.taken; index += 1) {
      const pending = lane.at(index);
      pending.begin();
      if (pending.event !== undefined) events.push(pending.event);
      if (pending.member !== undefined) members.push(pending.member);
      pending.member = undefined;
    }
  }
  return { events, members };
}

/** How many of the first records of `lane` fit into `room`, which is reduced by them. */
function countFitting(
  lane: Lane<PendingRecord>,
  room: { events: number; bytes: number; readonly ids: Set<string> },
  limit: number | undefined,
  isFirst: boolean,
): number {
  let count = 0;
  while (count < lane.length && room.events > 0) {
    const pending = lane.at(count);
    const { cause, reply, event, batchLimit } = pending;
    if (cause !== undefined || reply !== undefined || batchLimit !== limit || event === undefined) break;
    if (room.ids.has(event.id)) break;
    pending.member ??= memberOf(event);
    // With what is behind it: a comma, or the bracket.
    const bytes = pending.member.bytes + 1;
    if (bytes > room.bytes && !(isFirst && count === 0)) break;
    room.ids.add(event.id);
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
