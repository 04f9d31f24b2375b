// A record from its fetch to its settlement.
import type { CloudEvent } from '../../core/contract/event.ts';
import type { KafkaRecord } from '../../core/contract/record.ts';
import type { DeadLetterCause, Settlement } from '../../core/contract/settlement.ts';
import type { Place, UnreadableBatch } from '../../core/contract/skip.ts';
import type { JsonMember } from '../events/encode-json.ts';
import type { OpenPartition } from './open-partition.ts';

export class PendingRecord {
  readonly partition: OpenPartition<PendingRecord>;
  readonly record: KafkaRecord;
  /** Undefined for a record that cannot be decoded; such a record has a `cause` from the start. */
  readonly event: CloudEvent | undefined;
  readonly bytes: number;
  /** Requests that carried this record and may have reached the function. */
  attempts = 0;
  /** Set when its batch failed as a whole: at most this many records go together until the failing one is found. */
  batchLimit: number | undefined;
  /** Set when it must be dead-lettered; what remains is to store the dead letter. */
  cause: DeadLetterCause | undefined;
  /** Set when it was delivered and answered with an event; what remains is to store that event. */
  reply: CloudEvent | undefined;
  /** Its event as a member of the next batch, from when it is looked at until it is sent. */
  member: JsonMember | undefined;
  /** The batch that it stands for, if that cannot be read. */
  batch: UnreadableBatch | undefined;
  /** The place of its stored dead letter. */
  deadLetter: Place | undefined;
  /** Called with its settlement, for a skip request that waits for it. */
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

  /** A topic takes less than there is of the batch that it stands for. */
  halve(): void {
    if (this.batch === undefined || this.record.value === null) return;
    this.record.value = this.record.value.subarray(0, this.record.value.length / 2);
  }

  /** True from the start of a request to its answer, and until the dead letter or reply that follows is stored. */
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
