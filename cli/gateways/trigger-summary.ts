// What several gateways tell of one trigger, in one line: each has some of its partitions. Pure.
import type { TriggerSnapshot } from '../../gateway/pipeline/trigger-snapshot.ts';
import type { ServedTrigger } from './served-triggers.ts';

export interface TriggerSummary {
  /** `namespace/name`. */
  readonly trigger: string;
  /** The worst of all gateways. */
  readonly state: TriggerSnapshot['state'];
  readonly ready: boolean;
  /** What keeps records from being delivered; empty if nothing does. */
  readonly why: string;
  /** How many gateways serve it. */
  readonly gateways: number;
  readonly partitions: number;
  readonly readyEndpoints: number;
  readonly queued: number;
  readonly inFlight: number;
  readonly held: number;
  /** Lanes that wait behind a failure, including blocked ones. */
  readonly parked: number;
  readonly blocked: number;
  readonly delivered: number;
  readonly filtered: number;
  readonly deadLettered: number;
}

const worstFirst: readonly TriggerSnapshot['state'][] = ['failing', 'starting', 'suspended', 'consuming'];

/** Sorted by their keys. */
export function sumUp(served: readonly ServedTrigger[]): TriggerSummary[] {
  const byKey = Map.groupBy(served, ({ snapshot }) => snapshot.key);
  return [...byKey].toSorted(([a], [b]) => a.localeCompare(b)).map(([, same]) => summaryOf(same));
}

function summaryOf(served: readonly ServedTrigger[]): TriggerSummary {
  const snapshots = served
    .map(({ snapshot }) => snapshot)
    .toSorted((a, b) => worstFirst.indexOf(a.state) - worstFirst.indexOf(b.state));
  const [{ key, state }] = snapshots as [TriggerSnapshot];
  const sum = (
    what: 'partitions' | 'queued' | 'inFlight' | 'held' | 'parked' | 'blocked' | Outcome,
  ): number => snapshots.reduce((total, snapshot) => total + snapshot[what], 0);
  return {
    trigger: key,
    state,
    ready: snapshots.every(({ ready }) => ready),
    why: whyOf(snapshots),
    gateways: snapshots.length,
    partitions: sum('partitions'),
    readyEndpoints: Math.max(...snapshots.map(({ readyEndpoints }) => readyEndpoints)),
    queued: sum('queued'),
    inFlight: sum('inFlight'),
    held: sum('held'),
    parked: sum('parked'),
    blocked: sum('blocked'),
    delivered: sum('delivered'),
    filtered: sum('filtered'),
    deadLettered: sum('deadLettered'),
  };
}

type Outcome = 'delivered' | 'filtered' | 'deadLettered';

function whyOf(snapshots: readonly TriggerSnapshot[]): string {
  const first = (what: (snapshot: TriggerSnapshot) => string): string =>
    snapshots.map(what).find((text) => text !== '') ?? '';
  return (
    first(({ reason }) => reason) ||
    first(({ missingCredentials }) => missingCredentials) ||
    first(({ blocked, key }) => (blocked > 0 ? `see: millrace blocked ${key}` : '')) ||
    first(({ held }) => (held > 0 ? 'no endpoint of the function is ready' : ''))
  );
}
