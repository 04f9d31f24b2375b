// What a running trigger looks like from outside, at one instant.

export interface TriggerSnapshot {
  /** `namespace/name`. */
  readonly key: string;
  readonly state: 'starting' | 'consuming' | 'failing' | 'suspended';
  /** Why it is not consuming; empty where it is. */
  readonly reason: string;
  /** Assigned and fetching. */
  readonly ready: boolean;
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
  /** Lanes that a record blocks for want of a dead letter. */
  readonly blocked: number;
  readonly delivered: number;
  readonly filtered: number;
  readonly deadLettered: number;
  readonly replies: number;
}
