// The account at the end of the demo: what became of the records, by the gateway's count and by the functions' own. Pure.
import type { TriggerTally } from '../local/tally.ts';
import type { Arrival } from './witness.ts';

/** What was seen of one trigger. */
export interface TriggerEvidence extends TriggerTally {
  readonly name: string;
  readonly arrivals: readonly Arrival[];
  readonly maxReplicas: number;
  readonly finalReplicas: number;
}

export interface TriggerAccount extends TriggerTally {
  /** Events that the function received, each counted once. */
  readonly arrived: number;
  /** Events that it received again. */
  readonly duplicates: number;
  /** For every time that it woke: from the append of the record that it was woken for to its first request, in ms. */
  readonly coldStartsMs: readonly number[];
  readonly maxReplicas: number;
  readonly finalReplicas: number;
}

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
    coldStartMs: Object.fromEntries(
      triggers.flatMap(
        ([
          name,
          {
            coldStartsMs: [first],
          },
        ]) => (first === undefined ? [] : [[name, first]]),
      ),
    ),
    maxReplicas: Math.max(0, ...triggers.map(([, { maxReplicas }]) => maxReplicas)),
    finalReplicas: sum('finalReplicas'),
    triggers: Object.fromEntries(triggers),
  };
}

function triggerAccount(appendedMs: ReadonlyMap<string, number>, seen: TriggerEvidence): TriggerAccount {
  const { delivered, filtered, deadLettered, replies, arrivals, maxReplicas, finalReplicas } = seen;
  const arrived = new Set(arrivals.map(({ id }) => id)).size;
  return {
    delivered,
    filtered,
    deadLettered,
    replies,
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
    const { delivered, filtered, deadLettered, arrived, duplicates, finalReplicas } = account;
    const settled = delivered + filtered + deadLettered;
    return [
      ...(settled === records ? [] : [`${name}: ${settled} of ${records} records are settled`]),
      ...(arrived === records - filtered
        ? []
        : [`${name}: ${arrived} of ${records - filtered} events arrived`]),
      ...(duplicates === 0 ? [] : [`${name}: ${duplicates} events arrived more than once`]),
      ...(finalReplicas === 0 ? [] : [`${name}: ${finalReplicas} replicas still run`]),
    ];
  });
}

const titles = ['trigger', 'delivered', 'filtered', 'dead', 'replies', 'arrived', 'twice', 'most replicas'];

/** The account for people to read. */
export function accountLines({ records, triggers }: Account): string[] {
  const rows = Object.entries(triggers).map(([name, account]) => [
    name,
    ...[account.delivered, account.filtered, account.deadLettered, account.replies],
    ...[account.arrived, account.duplicates, account.maxReplicas],
    account.coldStartsMs.map((ms) => `${ms} ms`).join(', '),
  ]);
  const cells = [[...titles, 'woke after'], ...rows.map((row) => row.map(String))];
  const widths =
    cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = cells.map((row) =>
    row
      .map((cell, column) => {
        const isText = column === 0 || column === row.length - 1;
        return isText ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
      })
      .join('  ')
      .trimEnd(),
  );
  return [`What became of ${records} earthquakes:`, '', ...lines];
}
