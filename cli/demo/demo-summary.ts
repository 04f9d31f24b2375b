// The summary at the end of the demo: what became of the records, as counted by the gateway and by the functions themselves. Pure.
import type { TriggerTally } from '../local/trigger-tally.ts';
import { drawTable, type Column } from '../status/table.ts';
import type { Arrival } from './function-log.ts';

export const nameColumn: Column<Row<unknown>> = { title: 'trigger', cell: ([name]) => name, isText: true };

export const functionColumns: readonly Column<Row<FunctionSummary>>[] = [
  { title: 'arrived', cell: ([, { arrived }]) => String(arrived) },
  { title: 'twice', cell: ([, { duplicates }]) => String(duplicates) },
  { title: 'most replicas', cell: ([, { maxReplicas }]) => String(maxReplicas) },
  {
    title: 'woke after',
    cell: ([, { coldStartsMs }]) => coldStartsMs.map((ms) => `${ms} ms`).join(', '),
    isText: true,
  },
];

/** What was observed of one function. */
export interface FunctionObservation {
  readonly name: string;
  readonly arrivals: readonly Arrival[];
  readonly maxReplicas: number;
  readonly finalReplicas: number;
}

/** What was observed of one trigger. */
export interface TriggerObservation extends TriggerTally, FunctionObservation {}

/** Counted by the function itself. */
export interface FunctionSummary {
  /** Distinct events that the function received. */
  readonly arrived: number;
  /** Events that it received more than once. */
  readonly duplicates: number;
  /** One duration per wake-up, in ms: from the append of the record that caused it to the first request. */
  readonly coldStartsMs: readonly number[];
  readonly maxReplicas: number;
  readonly finalReplicas: number;
}

export interface TriggerSummary extends TriggerTally, FunctionSummary {}

/** Counts are sums over the triggers. Each trigger reads all `records`. `maxReplicas` is the highest of any function. */
export interface DemoSummary extends TriggerTally {
  readonly records: number;
  readonly duplicates: number;
  /** The first cold start of each function. */
  readonly coldStartMs: Readonly<Record<string, number>>;
  readonly maxReplicas: number;
  readonly finalReplicas: number;
  readonly triggers: Readonly<Record<string, TriggerSummary>>;
}

/** `appendedMs`: when each record was handed to Kafka, by the id of its event. */
export function summarizeDemo(
  appendedMs: ReadonlyMap<string, number>,
  observations: readonly TriggerObservation[],
): DemoSummary {
  const triggers = observations.map((seen) => [seen.name, triggerSummary(appendedMs, seen)] as const);
  const sum = (what: keyof TriggerTally | 'duplicates' | 'finalReplicas'): number =>
    triggers.reduce((total, [, summary]) => total + summary[what], 0);
  return {
    records: appendedMs.size,
    filtered: sum('filtered'),
    delivered: sum('delivered'),
    duplicates: sum('duplicates'),
    deadLettered: sum('deadLettered'),
    replies: sum('replies'),
    coldStartMs: firstColdStarts(triggers),
    maxReplicas: Math.max(0, ...triggers.map(([, { maxReplicas }]) => maxReplicas)),
    finalReplicas: sum('finalReplicas'),
    triggers: Object.fromEntries(triggers),
  };
}

/** The first cold start of each function that woke. */
export function firstColdStarts(
  summaries: readonly (readonly [name: string, summary: FunctionSummary])[],
): Record<string, number> {
  const first = summaries.map(([name, { coldStartsMs }]) => [name, coldStartsMs[0]] as const);
  return Object.fromEntries(first.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

function triggerSummary(appendedMs: ReadonlyMap<string, number>, seen: TriggerObservation): TriggerSummary {
  const { delivered, filtered, deadLettered, replies } = seen;
  return { delivered, filtered, deadLettered, replies, ...functionSummary(appendedMs, seen) };
}

export function functionSummary(
  appendedMs: ReadonlyMap<string, number>,
  { arrivals, maxReplicas, finalReplicas }: FunctionObservation,
): FunctionSummary {
  const arrived = new Set(arrivals.map(({ id }) => id)).size;
  return {
    arrived,
    duplicates: arrivals.length - arrived,
    coldStartsMs: coldStarts(appendedMs, arrivals),
    maxReplicas,
    finalReplicas,
  };
}

function coldStarts(appendedMs: ReadonlyMap<string, number>, arrivals: readonly Arrival[]): number[] {
  const wakes = Map.groupBy(arrivals, ({ sleeps }) => sleeps);
  return [...wakes.values()].map((woken) => {
    const oldestMs = Math.min(...woken.map(({ id }) => appendedMs.get(id) ?? Infinity));
    return Math.min(...woken.map(({ atMs }) => atMs)) - oldestMs;
  });
}

/** What does not add up in the summary of a demo that ran to its end; empty if everything does. */
export function demoDiscrepancies({ records, triggers }: DemoSummary): string[] {
  return Object.entries(triggers).flatMap(([name, summary]) => {
    const { delivered, filtered, deadLettered } = summary;
    const settled = delivered + filtered + deadLettered;
    return [
      ...(settled === records ? [] : [`${name}: ${settled} of ${records} records are settled`]),
      ...functionDiscrepancies(name, summary, records - filtered),
    ];
  });
}

/** `expected`: how many events should have arrived. */
export function functionDiscrepancies(name: string, summary: FunctionSummary, expected: number): string[] {
  const { arrived, duplicates, finalReplicas } = summary;
  return [
    ...(arrived === expected ? [] : [`${name}: ${arrived} of ${expected} events arrived`]),
    ...(duplicates === 0 ? [] : [`${name}: ${duplicates} events arrived more than once`]),
    ...(finalReplicas === 0 ? [] : [`${name}: ${finalReplicas} replicas still run`]),
  ];
}

/** The name of a trigger, and its summary. */
export type Row<Summary> = readonly [name: string, summary: Summary];

const columns: readonly Column<Row<TriggerSummary>>[] = [
  nameColumn,
  { title: 'delivered', cell: ([, { delivered }]) => String(delivered) },
  { title: 'filtered', cell: ([, { filtered }]) => String(filtered) },
  { title: 'dead', cell: ([, { deadLettered }]) => String(deadLettered) },
  { title: 'replies', cell: ([, { replies }]) => String(replies) },
  ...functionColumns,
];

/** The summary for people to read. */
export function summaryLines({ records, triggers }: DemoSummary): string[] {
  return [`What became of ${records} earthquakes:`, '', ...drawTable(columns, Object.entries(triggers))];
}
