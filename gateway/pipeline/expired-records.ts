// Records that are too old to be worth a first attempt.
import type { PendingRecord } from './pending-record.ts';

/** Gives `delivery` its cause where it is older than `maxAgeMs`, and was not sent before, alone or in a batch. */
export function expireIfOld(pending: PendingRecord, maxAgeMs: number | undefined): void {
  const wasSent = pending.attempts > 0 || pending.batchLimit !== undefined;
  if (maxAgeMs === undefined || wasSent || pending.cause !== undefined) return;
  const ageMs = Date.now() - pending.record.timestampMs;
  if (ageMs <= maxAgeMs) return;
  const detail = `${Math.round(ageMs / 1000)} s old, the limit is ${maxAgeMs / 1000} s`;
  pending.cause = { reason: 'expired', detail, attempts: 0 };
}
