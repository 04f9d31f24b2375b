// Records that are too old to be worth a first attempt.
import type { Delivery } from './pending-record.ts';

/** Gives `delivery` its cause where it is older than `maxAgeMs`, and was not sent before, alone or in a batch. */
export function expireIfOld(delivery: Delivery, maxAgeMs: number | undefined): void {
  const wasSent = delivery.attempts > 0 || delivery.batchLimit !== undefined;
  if (maxAgeMs === undefined || wasSent || delivery.cause !== undefined) return;
  const ageMs = Date.now() - delivery.record.timestampMs;
  if (ageMs <= maxAgeMs) return;
  const detail = `${Math.round(ageMs / 1000)} s old, the limit is ${maxAgeMs / 1000} s`;
  delivery.cause = { reason: 'expired', detail, attempts: 0 };
}
