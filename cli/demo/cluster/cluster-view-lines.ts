// What the demo in a cluster shows of each trigger while it runs. Pure.
import { dots, drawTable, type Column } from '../../status/table.ts';
import type { Replicas, TriggerState } from './trigger-states.ts';

export interface ClusterStatus extends TriggerState {
  readonly name: string;
  readonly replicas: Replicas;
  /** Events that the function received. */
  readonly arrived: number;
  /** Appended records that pass its filter and have not been reported as arrived. More current and more exact than `backlog`. */
  readonly pending: number;
}

const columns: readonly Column<ClusterStatus>[] = [
  { title: 'trigger', cell: ({ name }) => name, isText: true },
  { title: 'ready', cell: ({ ready }) => ready, isText: true },
  { title: 'reason', cell: ({ reason }) => reason, isText: true },
  { title: 'backlog', cell: ({ pending }) => String(pending) },
  { title: 'pods', cell: ({ replicas: { ready, desired } }) => `${ready}/${desired}` },
  { title: 'arrived', cell: ({ arrived }) => String(arrived) },
  { title: 'replicas', cell: ({ replicas }) => dots(replicas), isText: true },
];

export function tableOf(statuses: readonly ClusterStatus[], width: number): string[] {
  return drawTable(columns, statuses, width);
}

/** `quake-stats 2/4 ready, backlog 83, 412 arrived` */
export function lineOf({ name, ready, reason, message, replicas, pending, arrived }: ClusterStatus): string {
  const trouble = ready === 'True' ? '' : `, not ready: ${reason}, ${message}`;
  return `${name} ${replicas.ready}/${replicas.desired} ready, backlog ${pending}, ${arrived} arrived${trouble}`;
}
