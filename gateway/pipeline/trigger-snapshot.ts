// The state of a trigger at one instant: shown by `/v1/triggers`, counted by the metrics.
import type { FunctionAccess } from '../../core/contract/endpoint-source.ts';
import type { RecordSource, SourceState } from '../../core/contract/record-source.ts';
import type { Endpoints } from '../delivery/endpoints.ts';
import type { FirstBlocked } from './blocked-records.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { OpenPartition } from './open-partition.ts';
import type { PendingRecord } from './pending-record.ts';
import type { RecordSettlements } from './record-settlements.ts';
import type { FirstUnreadable, UnreadableBatches } from './unreadable-batches.ts';

export interface TriggerSnapshot {
  /** `namespace/name`. */
  readonly key: string;
  readonly state: 'starting' | 'consuming' | 'failing' | 'suspended';
  /** Why it is not ready; empty where it is. */
  readonly reason: string;
  /** Partitions are assigned and fetched. */
  readonly ready: boolean;
  /** Why the credentials for the function are missing, so that nothing is sent to it. Empty where they are there, or none are needed. */
  readonly missingCredentials: string;
  readonly partitions: number;
  readonly readyEndpoints: number;
  /** Ready endpoints that get no requests for now because they kept failing. */
  readonly openCircuits: number;
  /** How many requests may be in flight: at all ready endpoints together, and at the endpoint with the lowest limit. */
  readonly concurrencyLimit: number;
  readonly lowestConcurrencyLimit: number;
  /** True while records wait for the trigger's rate limit. */
  readonly isRateLimited: boolean;
  /** Records in memory that are not settled, including those in flight. */
  readonly queued: number;
  readonly inFlight: number;
  /** Records that are held because no endpoint is ready, or because credentials are missing. */
  readonly held: number;
  /** Lanes that wait behind a failure, including blocked lanes. */
  readonly parked: number;
  /** Partitions that are not fetched because too much of them waits behind failures. */
  readonly congested: number;
  /** Lanes that a record blocks because the trigger has no dead-letter topic. */
  readonly blocked: number;
  readonly firstBlocked?: FirstBlocked | undefined;
  /** Partitions that wait before a batch that cannot be read. */
  readonly unreadable: number;
  readonly firstUnreadable?: FirstUnreadable | undefined;
  readonly delivered: number;
  readonly filtered: number;
  readonly deadLettered: number;
  readonly skipped: number;
  readonly replies: number;
}

/** The parts of a running pipeline that its snapshot is taken of. */
export interface SnapshotParts {
  readonly key: string;
  readonly state: SourceState;
  readonly source: RecordSource;
  readonly access: FunctionAccess | undefined;
  readonly partitions: ReadonlyMap<string, OpenPartition<PendingRecord>>;
  readonly endpoints: Endpoints;
  readonly dispatcher: Dispatcher;
  readonly settlements: RecordSettlements;
  readonly unreadable: UnreadableBatches;
}

export function snapshotOf(parts: SnapshotParts): TriggerSnapshot {
  let queued = 0;
  let parked = 0;
  let congested = 0;
  for (const partition of parts.partitions.values()) {
    queued += partition.records;
    parked += partition.lanes.parked.lanes;
    if (partition.congested) congested += 1;
  }
  const { inFlight, blocked, isHolding, isRateLimited, replies } = parts.dispatcher;
  const { counts } = parts.settlements;
  const reason = whyNotReady(parts);
  return {
    key: parts.key,
    state: parts.state.kind,
    reason,
    ready: reason === '',
    missingCredentials: parts.access?.missing ?? '',
    partitions: parts.partitions.size,
    ...parts.endpoints.figures,
    isRateLimited,
    queued,
    inFlight,
    held: isHolding ? queued : 0,
    parked,
    congested,
    blocked: blocked.count,
    firstBlocked: blocked.first,
    unreadable: parts.unreadable.count,
    firstUnreadable: parts.unreadable.first,
    delivered: counts.delivered,
    filtered: counts.filtered,
    deadLettered: counts['dead-lettered'],
    skipped: counts.skipped,
    replies,
  };
}

/** Of a trigger without a pipeline. */
export function notRunning(key: string, state: TriggerSnapshot['state'], reason: string): TriggerSnapshot {
  return {
    key,
    state,
    reason,
    ready: false,
    missingCredentials: '',
    partitions: 0,
    readyEndpoints: 0,
    openCircuits: 0,
    concurrencyLimit: 0,
    lowestConcurrencyLimit: 0,
    isRateLimited: false,
    queued: 0,
    inFlight: 0,
    held: 0,
    parked: 0,
    congested: 0,
    blocked: 0,
    unreadable: 0,
    delivered: 0,
    filtered: 0,
    deadLettered: 0,
    skipped: 0,
    replies: 0,
  };
}

/** Empty where the trigger is ready. */
function whyNotReady({ state, source }: SnapshotParts): string {
  if (state.kind !== 'consuming') return state.reason;
  if (performance.now() < source.leaseEndMs) return '';
  return 'the group has not confirmed this member for a whole session timeout: no new attempts are started';
}
