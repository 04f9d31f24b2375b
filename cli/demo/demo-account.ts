// The account at the end of the demo: what became of the records, by the gateway's count and by the functions' own. Pure.
import type { TriggerTally } from '../local/trigger-tally.ts';
import { drawTable, type Column } from '../status/table.ts';
import type { Arrival } from './function-log.ts';

export const nameColumn: Column<Row<unknown>> = { title: 'trigger', cell: ([name]) => name, isText: true };

export const functionColumns: readonly Column<Row<FunctionAccount>>[] = [
  { title: 'arrived', cell: ([, { arrived }]) => String(arrived) },
  { title: 'twice', cell: ([, { duplicates }]) => String(duplicates) },
  { title: 'most replicas', cell: ([, { maxReplicas }]) => String(maxReplicas) },
  {
    title: 'woke after',
    cell: ([, { coldStartsMs }]) => coldStartsMs.map((ms) => `${ms} ms`).join(', '),
    isText: true,
  },
];

/** What was seen of one function. */
export interface FunctionEvidence {
  readonly name: string;
  readonly arrivals: readonly Arrival[];
  readonly maxReplicas: number;
  readonly finalReplicas: number;
}

/** What was seen of one trigger. */
export interface TriggerEvidence extends TriggerTally, FunctionEvidence {}

/** By the function's own count. */
export interface FunctionAccount {
  /** Events that the function received, each counted once. */
  readonly arrived: number;
  /** Events that it received again. */
  readonly duplicates: number;
  /** For every time that it woke: from the append of the record that it was woken for to its first request, in ms. */
  readonly coldStartsMs: readonly number[];
  readonly maxReplicas: number;
  readonly finalReplicas: number;
}

export interface TriggerAccount extends TriggerTally, FunctionAccount {}

/** Counts are sums over the triggers, each of which saw all `records`; `maxReplicas` is the highest of any function. */
export interface Account extends TriggerTally {
  readonly records: number;
  readonly duplicates: number;
  /** Of the first time that each function woke. */
  readonly coldStartMs: Readonly<Record<string, number>>;
  readonly maxReplicas: number;
  readonly finalReplicas: number;
  readonly triggers: Readonly<Record<string, TriggerAccount>>;
}

/** `appendedMs`: when each record was handed to Kafka, by the id of its event. */
export function accountOf(
  appendedMs: ReadonlyMap<string, number>,
  evidence: readonly TriggerEvidence[],
): Account {
  const triggers = evidence.map((seen) => [seen.name, triggerAccount(appendedMs, seen)] as const);
  const sum = (what: keyof TriggerTally | 'duplicates' | 'finalReplicas'): number =>
    triggers.reduce((total, [, account]) => total + account[what], 0);
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

/** Of the first time that each function woke. */
export function firstColdStarts(
  accounts: readonly (readonly [name: string, account: FunctionAccount])[],
): Record<string, number> {
  const first = accounts.map(([name, { coldStartsMs }]) => [name, coldStartsMs[0]] as const);
  return Object.fromEntries(first.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

function triggerAccount(appendedMs: ReadonlyMap<string, number>, seen: TriggerEvidence): TriggerAccount {
  const { delivered, filtered, deadLettered, replies } = seen;
  return { delivered, filtered, deadLettered, replies, ...functionAccount(appendedMs, seen) };
}

export function functionAccount(
  appendedMs: ReadonlyMap<string, number>,
  { arrivals, maxReplicas, finalReplicas }: FunctionEvidence,
): FunctionAccount {
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

/** What is wrong with an account of a demo that ran to its end; empty where it adds up. */
export function faultsOf({ records, triggers }: Account): string[] {
  return Object.entries(triggers).flatMap(([name, account]) => {
    const { delivered, filtered, deadLettered } = account;
    const settled = delivered + filtered + deadLettered;
    return [
      ...(settled === records ? [] : [`${name}: ${settled} of ${records} records are settled`]),
      ...functionFaults(name, account, records - filtered),
    ];
  });
}

/** `expected`: how many events should have arrived. */
export function functionFaults(name: string, account: FunctionAccount, expected: number): string[] {
  const { arrived, duplicates, finalReplicas } = account;
  return [
    ...(arrived === expected ? [] : [`${name}: ${arrived} of ${expected} events arrived`]),
    ...(duplicates === 0 ? [] : [`${name}: ${duplicates} events arrived more than once`]),
    ...(finalReplicas === 0 ? [] : [`${name}: ${finalReplicas} replicas still run`]),
  ];
}

/** A trigger's name, and its part of the account. */
export type Row<Account> = readonly [name: string, account: Account];

const columns: readonly Column<Row<TriggerAccount>>[] = [
  nameColumn,
  { title: 'delivered', cell: ([, { delivered }]) => String(delivered) },
  { title: 'filtered', cell: ([, { filtered }]) => String(filtered) },
  { title: 'dead', cell: ([, { deadLettered }]) => String(deadLettered) },
  { title: 'replies', cell: ([, { replies }]) => String(replies) },
  ...functionColumns,
];

/** The account for people to read. */
export function accountLines({ records, triggers }: Account): string[] {
  return [`What became of ${records} earthquakes:`, '', ...drawTable(columns, Object.entries(triggers))];
}
