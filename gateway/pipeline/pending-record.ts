// A record on its way, from the fetch to its settlement.
import type { CloudEvent } from '../../core/contract/event.ts';
import type { KafkaRecord } from '../../core/contract/record.ts';
import type { DeadLetterCause, Settlement } from '../../core/contract/settlement.ts';
import type { Place } from '../../core/contract/skip.ts';
import type { OpenPartition } from './open-partition.ts';

export class PendingRecord {
  readonly partition: OpenPartition<PendingRecord>;
  readonly record: KafkaRecord;
  /** Undefined for a record that cannot be decoded; it has a `cause` from the start. */
  readonly event: CloudEvent | undefined;
  readonly bytes: number;
  /** Requests that carried this record and may have reached the function. */
  attempts = 0;
  /** Set once it failed in a batch as a whole: no more than so many go together, until it is known which of them fails. */
  batchLimit: number | undefined;
  /** Set once it is to be dead-lettered; what remains is to store it. */
  cause: DeadLetterCause | undefined;
  /** Set once it was delivered and answered with an event; what remains is to store that. */
  reply: CloudEvent | undefined;
  /** Where its dead letter is stored. */
  deadLetter: Place | undefined;
  /** Whoever waits for its settlement. */
  onSettled: ((settlement: Settlement['kind']) => void) | undefined;
  #isUnderWay = false;

  constructor(
    partition: OpenPartition<PendingRecord>,
    record: KafkaRecord,
    event: CloudEvent | undefined,
    bytes: number,
  ) {
    this.partition = partition;
    this.record = record;
    this.event = event;
    this.bytes = bytes;
  }

  /** Gives a record that is older than `maxAgeMs` its cause, unless it was sent before, alone or in a batch. */
  expireIfOld(maxAgeMs: number | undefined): void {
    const wasSent = this.attempts > 0 || this.batchLimit !== undefined;
    if (maxAgeMs === undefined || wasSent || this.cause !== undefined) return;
    const ageMs = Date.now() - this.record.timestampMs;
    if (ageMs <= maxAgeMs) return;
    const detail = `${Math.round(ageMs / 1000)} s old, the limit is ${maxAgeMs / 1000} s`;
    this.cause = { reason: 'expired', detail, attempts: 0 };
  }

  /** From the first byte of a request to its answer, and on until what follows from that is stored. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  begin(): void {
    if (!this.#isUnderWay) this.partition.underWay += 1;
    this.#isUnderWay = true;
  }

  end(): void {
    if (this.#isUnderWay) this.partition.underWay -= 1;
    this.#isUnderWay = false;
  }
}
