// The account at the end of the demo in a cluster: what became of the records by the functions' own count. Pure.
import { drawTable, type Column } from '../../status/table.ts';
import {
  firstColdStarts,
  functionAccount,
  functionColumns,
  functionFaults,
  nameColumn,
  type FunctionAccount,
  type FunctionEvidence,
  type Row,
} from '../demo-account.ts';

/** What was seen of one trigger. */
export interface ClusterEvidence extends FunctionEvidence {
  /** Records that its filter lets pass, of those that were appended. */
  readonly wanted: number;
  /** As the status of the Trigger has it. */
  readonly finalBacklog: string;
}

export interface ClusterTriggerAccount extends FunctionAccount {
  /** What its filter drops, by what the events say. */
  readonly filtered: number;
  readonly finalBacklog: string;
}

/** Counts are sums over the triggers, each of which saw all `records`; `maxReplicas` is the highest of any function. */
export interface ClusterAccount {
  readonly records: number;
  readonly filtered: number;
  readonly arrived: number;
  readonly duplicates: number;
  readonly coldStartMs: Readonly<Record<string, number>>;
  readonly maxReplicas: number;
  readonly finalReplicas: number;
  readonly triggers: Readonly<Record<string, ClusterTriggerAccount>>;
}

export function clusterAccountOf(
  appendedMs: ReadonlyMap<string, number>,
  evidence: readonly ClusterEvidence[],
): ClusterAccount {
  const records = appendedMs.size;
  const triggers = evidence.map((seen): [string, ClusterTriggerAccount] => {
    const { name, wanted, finalBacklog } = seen;
    return [name, { filtered: records - wanted, ...functionAccount(appendedMs, seen), finalBacklog }];
  });
  const sum = (what: 'filtered' | 'arrived' | 'duplicates' | 'finalReplicas'): number =>
    triggers.reduce((total, [, account]) => total + account[what], 0);
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

/** What is wrong with the account of a demo that ran to its end, in which `replayed` earthquakes were to be appended. */
export function clusterFaultsOf({ records, triggers }: ClusterAccount, replayed: number): string[] {
  return [
    ...(records === replayed ? [] : [`${records} of ${replayed} records are known to be appended`]),
    ...Object.entries(triggers).flatMap(([name, account]) => [
      ...functionFaults(name, account, records - account.filtered),
      ...(account.finalBacklog === '0' ? [] : [`${name}: its backlog is ${account.finalBacklog}`]),
    ]),
  ];
}

const columns: readonly Column<Row<ClusterTriggerAccount>>[] = [
  nameColumn,
  { title: 'filtered', cell: ([, { filtered }]) => String(filtered) },
  ...functionColumns,
];

/** The account for people to read. */
export function clusterAccountLines({ records, triggers }: ClusterAccount): string[] {
  return [`What became of ${records} earthquakes:`, '', ...drawTable(columns, Object.entries(triggers))];
}
