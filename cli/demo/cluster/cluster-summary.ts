// The summary at the end of the demo in a cluster: what became of the records, as counted by the functions themselves. Pure.
import { drawTable, type Column } from '../../status/table.ts';
import {
  firstColdStarts,
  functionSummary,
  functionColumns,
  functionDiscrepancies,
  nameColumn,
  type FunctionSummary,
  type FunctionObservation,
  type Row,
} from '../demo-summary.ts';

/** What was observed of one trigger. */
export interface ClusterObservation extends FunctionObservation {
  /** Appended records that pass its filter. */
  readonly wanted: number;
  /** From the status of the Trigger. */
  readonly finalBacklog: string;
}

export interface ClusterTriggerSummary extends FunctionSummary {
  /** Appended records that its filter drops, computed from the events. */
  readonly filtered: number;
  readonly finalBacklog: string;
}

/** Counts are sums over the triggers. Each trigger reads all `records`. `maxReplicas` is the highest of any function. */
export interface ClusterSummary {
  readonly records: number;
  readonly filtered: number;
  readonly arrived: number;
  readonly duplicates: number;
  readonly coldStartMs: Readonly<Record<string, number>>;
  readonly maxReplicas: number;
  readonly finalReplicas: number;
  readonly triggers: Readonly<Record<string, ClusterTriggerSummary>>;
}

export function summarizeCluster(
  appendedMs: ReadonlyMap<string, number>,
  observations: readonly ClusterObservation[],
): ClusterSummary {
  const records = appendedMs.size;
  const triggers = observations.map((seen): [string, ClusterTriggerSummary] => {
    const { name, wanted, finalBacklog } = seen;
    return [name, { filtered: records - wanted, ...functionSummary(appendedMs, seen), finalBacklog }];
  });
  const sum = (what: 'filtered' | 'arrived' | 'duplicates' | 'finalReplicas'): number =>
    triggers.reduce((total, [, summary]) => total + summary[what], 0);
  return {
    records,
    filtered: sum('filtered'),
    arrived: sum('arrived'),
    duplicates: sum('duplicates'),
    coldStartMs: firstColdStarts(triggers),
    maxReplicas: Math.max(0, ...triggers.map(([, { maxReplicas }]) => maxReplicas)),
    finalReplicas: sum('finalReplicas'),
    triggers: Object.fromEntries(triggers),
  };
}

/** What does not add up in the summary of a demo that ran to its end. `replayed`: how many earthquakes should have been appended. */
export function clusterDiscrepancies({ records, triggers }: ClusterSummary, replayed: number): string[] {
  return [
    ...(records === replayed ? [] : [`${records} of ${replayed} records are known to be appended`]),
    ...Object.entries(triggers).flatMap(([name, summary]) => [
      ...functionDiscrepancies(name, summary, records - summary.filtered),
      ...(summary.finalBacklog === '0' ? [] : [`${name}: its backlog is ${summary.finalBacklog}`]),
    ]),
  ];
}

const columns: readonly Column<Row<ClusterTriggerSummary>>[] = [
  nameColumn,
  { title: 'filtered', cell: ([, { filtered }]) => String(filtered) },
  ...functionColumns,
];

/** The summary for people to read. */
export function clusterSummaryLines({ records, triggers }: ClusterSummary): string[] {
  return [`What became of ${records} earthquakes:`, '', ...drawTable(columns, Object.entries(triggers))];
}
