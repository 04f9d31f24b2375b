// The state of all triggers as lines of text: a table, or one line for logs. Pure.

import type { ReplicaCount } from '../runtime/process-endpoints.ts';

export interface TriggerStatus {
  readonly key: string;
  readonly name: string;
  /** Undefined where it is not known. */
  readonly backlog: bigint | undefined;
  readonly inFlight: number;
  /** Undefined where the function is none of our processes. */
  readonly replicas: ReplicaCount | undefined;
  readonly delivered: number;
  readonly filtered: number;
  readonly deadLettered: number;
  readonly replies: number;
  /** What keeps it from working, if anything does. */
  readonly trouble?: string | undefined;
}

const columns: readonly (readonly [title: string, cell: (status: TriggerStatus) => string])[] = [
  ['trigger', ({ name }) => name],
  ['backlog', ({ backlog }) => String(backlog ?? '?')],
  ['in flight', ({ inFlight }) => String(inFlight)],
  ['ready', ({ replicas }) => (replicas === undefined ? '-' : `${replicas.ready}/${replicas.desired}`)],
  ['delivered', ({ delivered }) => String(delivered)],
  ['filtered', ({ filtered }) => String(filtered)],
  ['dead', ({ deadLettered }) => String(deadLettered)],
  ['replies', ({ replies }) => String(replies)],
  ['replicas', ({ replicas, trouble }) => trouble ?? dots(replicas)],
];

/** A table with a heading. No line is longer than `width`. */
export function tableOf(statuses: readonly TriggerStatus[], width: number): string[] {
  const rows = [
    columns.map(([title]) => title),
    ...statuses.map((status) => columns.map(([, cell]) => cell(status))),
  ];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const isNumber = column > 0 && column < columns.length - 1;
      return isNumber ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
    });
    return cells.join('  ').trimEnd().slice(0, width);
  });
}

/** `quake-stats 2/4 ready, backlog 83, 16 in flight, 412 delivered` */
export function lineOf({ name, replicas, backlog, inFlight, trouble, ...status }: TriggerStatus): string {
  const parts = [
    ...(replicas === undefined ? [] : [`${replicas.ready}/${replicas.desired} ready`]),
    `backlog ${backlog ?? '?'}`,
    `${inFlight} in flight`,
    `${status.delivered} delivered`,
    ...(status.filtered > 0 ? [`${status.filtered} filtered`] : []),
    ...(status.deadLettered > 0 ? [`${status.deadLettered} dead-lettered`] : []),
    ...(trouble === undefined ? [] : [trouble]),
  ];
  return `${name} ${parts.join(', ')}`;
}

/** A full circle for each replica that is ready, an empty one for each that is to come. */
function dots(replicas: TriggerStatus['replicas']): string {
  if (replicas === undefined) return '';
  const { ready, desired } = replicas;
  return desired === 0 && ready === 0
    ? 'asleep'
    : '●'.repeat(ready) + '○'.repeat(Math.max(0, desired - ready));
}
