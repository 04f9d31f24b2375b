// Formats the state of all triggers as a table for terminals, or as one line each for logs. Pure.

import type { ReplicaCount } from '../runtime/process-endpoints.ts';

export interface TriggerStatus {
  /** `namespace/name`, as every command takes it. */
  readonly key: string;
  readonly name: string;
  /** Undefined if unknown. */
  readonly backlog: bigint | undefined;
  readonly inFlight: number;
  /** Undefined if the function does not run as a process here. */
  readonly replicas: ReplicaCount | undefined;
  readonly delivered: number;
  readonly filtered: number;
  readonly deadLettered: number;
  readonly replies: number;
  /** The problem that keeps the trigger from working, if there is one. */
  readonly trouble?: string | undefined;
}

export interface Column<Status> {
  readonly title: string;
  readonly cell: (status: Status) => string;
  /** Aligned to the left. Numbers are aligned to the right. */
  readonly isText?: boolean;
}

const columns: readonly Column<TriggerStatus>[] = [
  { title: 'trigger', cell: ({ key }) => key, isText: true },
  { title: 'backlog', cell: ({ backlog }) => String(backlog ?? '?') },
  { title: 'in flight', cell: ({ inFlight }) => String(inFlight) },
  {
    title: 'ready',
    cell: ({ replicas }) => (replicas === undefined ? '-' : `${replicas.ready}/${replicas.desired}`),
  },
  { title: 'delivered', cell: ({ delivered }) => String(delivered) },
  { title: 'filtered', cell: ({ filtered }) => String(filtered) },
  { title: 'dead', cell: ({ deadLettered }) => String(deadLettered) },
  { title: 'replies', cell: ({ replies }) => String(replies) },
  { title: 'replicas', cell: ({ replicas, trouble }) => trouble ?? dots(replicas), isText: true },
];

/** A table with a heading. No line is longer than `width`. */
export function tableOf(statuses: readonly TriggerStatus[], width: number): string[] {
  return drawTable(columns, statuses, width);
}

export function drawTable<Status>(
  columns: readonly Column<Status>[],
  statuses: readonly Status[],
  width = Infinity,
): string[] {
  const rows = [
    columns.map(({ title }) => title),
    ...statuses.map((status) => columns.map(({ cell }) => cell(status))),
  ];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const isText = columns[column]?.isText === true;
      return isText ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
    });
    return cells.join('  ').trimEnd().slice(0, width);
  });
}

/** `geo/quake-stats 2/4 ready, backlog 83, 16 in flight, 412 delivered` */
export function lineOf({ key, replicas, backlog, inFlight, trouble, ...status }: TriggerStatus): string {
  const parts = [
    ...(replicas === undefined ? [] : [`${replicas.ready}/${replicas.desired} ready`]),
    `backlog ${backlog ?? '?'}`,
    `${inFlight} in flight`,
    `${status.delivered} delivered`,
    ...(status.filtered > 0 ? [`${status.filtered} filtered`] : []),
    ...(status.deadLettered > 0 ? [`${status.deadLettered} dead-lettered`] : []),
    ...(trouble === undefined ? [] : [trouble]),
  ];
  return `${key} ${parts.join(', ')}`;
}

/** The same as an object. A count that is not known is null. */
export function jsonOf({ key, backlog, replicas, ...status }: TriggerStatus): object {
  const { inFlight, delivered, filtered, deadLettered, replies, trouble = null } = status;
  return {
    trigger: key,
    backlog: backlog === undefined ? null : Number(backlog),
    inFlight,
    replicas: replicas === undefined ? null : { ready: replicas.ready, desired: replicas.desired },
    delivered,
    filtered,
    deadLettered,
    replies,
    trouble,
  };
}

/** A full circle for each ready replica, an empty one for each further replica that is desired. */
export function dots(replicas: Pick<ReplicaCount, 'ready' | 'desired'> | undefined): string {
  if (replicas === undefined) return '';
  const { ready, desired } = replicas;
  return desired === 0 && ready === 0
    ? 'asleep'
    : '●'.repeat(ready) + '○'.repeat(Math.max(0, desired - ready));
}
