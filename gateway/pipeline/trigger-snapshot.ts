// The state of a trigger at one instant: shown by `/v1/triggers`, counted by the metrics.
import type { FunctionAccess } from '../../core/contract/endpoint-source.ts';
import type { RecordSource, SourceState } from '../../core/contract/record-source.ts';
import type { Endpoints } from '../delivery/endpoints.ts';
import type { FirstBlocked } from './blocked-records.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { OpenPartition } from './open-partition.ts';
import type { PendingRecord } from './pending-record.ts';
import type { RecordSettlements } from './record-settlements.ts';

export interface TriggerSnapshot {
  /** `namespace/name`. */
  readonly key: string;
  readonly state: 'starting' | 'consuming' | 'failing' | 'suspended';
  /** Why it is not consuming; empty where it is. */
  readonly reason: string;
  /** Assigned and fetching. */
  readonly ready: boolean;
  /** Why nothing is sent to the function: what it is to be shown is not there. Empty where it is, or it is shown nothing but events. */
  readonly missingCredentials: string;
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
  readonly firstBlocked?: FirstBlocked | undefined;
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
    missingCredentials: parts.access?.lack ?? '',
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
    delivered: counts.delivered,
    filtered: counts.filtered,
    deadLettered: counts['dead-lettered'],
    skipped: counts.skipped,
    replies,
  };
}

/** Empty where the trigger is ready. */
function whyNotReady({ state, source }: SnapshotParts): string {
  if (state.kind !== 'consuming') return state.reason;
  if (performance.now() < source.leaseEndMs) return '';
  return 'the group has not confirmed this member for a whole session: nothing new is started';
}
