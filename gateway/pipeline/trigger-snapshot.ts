// What a running trigger looks like from outside, at one instant.

export interface TriggerSnapshot {
  /** `namespace/name`. */
  readonly key: string;
  readonly state: 'starting' | 'consuming' | 'failing' | 'suspended';
  /** Why it is not consuming; empty where it is. */
  readonly reason: string;
  /** Assigned and fetching. */
  readonly ready: boolean;
  /** Why nothing is sent to the function: what it is to be shown is not there. Empty where it is, or it is shown nothing but events. */
  readonly lack: string;
  readonly partitions: number;
  readonly readyEndpoints: number;
  /** Endpoints that are left alone because they fail. */
  readonly openCircuits: number;
  /** Requests that may be in flight, at all ready endpoints together, and at the one with the fewest. */
  readonly concurrencyLimit: number;
  readonly lowestConcurrencyLimit: number;
  /** Records wait for the trigger's rate limit. */
  readonly isRateLimited: boolean;
  /** Records in memory that are not settled, those in flight included. */
  readonly queued: number;
  readonly inFlight: number;
  /** Records kept back because no endpoint is ready. */
  readonly held: number;
  /** Lanes that wait behind a failure, those that are blocked included. */
  readonly parked: number;
  /** Partitions that are not fetched because so much of them waits behind failures. */
  readonly congested: number;
  /** Lanes that a record blocks for want of a dead letter. */
  readonly blocked: number;
  /** The one that has blocked for longest. */
  readonly firstBlocked?:
    { readonly topic: string; readonly partition: number; readonly offset: string } | undefined;
  readonly delivered: number;
  readonly filtered: number;
  readonly deadLettered: number;
  readonly skipped: number;
  readonly replies: number;
}
