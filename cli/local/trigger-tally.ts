// Counts what became of each trigger's records, from the gateway's events. Unlike a pipeline's own counts, these continue when
// an edit restarts the pipeline, and while it stops.
import type { EventEmitter } from 'node:events';
import type { GatewayEvents } from '../../core/contract/gateway-events.ts';

export interface TriggerTally {
  readonly delivered: number;
  readonly filtered: number;
  readonly deadLettered: number;
  /** Replies that were stored in the reply topic. */
  readonly replies: number;
}

const nothing: TriggerTally = { delivered: 0, filtered: 0, deadLettered: 0, replies: 0 };

/** Counts from now on. The returned function gives the counts of a trigger. */
export function tallyOf(events: EventEmitter<GatewayEvents>): (key: string) => TriggerTally {
  const tallies = new Map<string, TriggerTally>();
  const read = (key: string): TriggerTally => tallies.get(key) ?? nothing;
  const add = (key: string, what: keyof TriggerTally): void => {
    const before = read(key);
    tallies.set(key, { ...before, [what]: before[what] + 1 });
  };
  events.on('settled', ({ key }, _record, settlement) => {
    if (settlement === 'skipped') return; // the gateway logs each skipped record
    add(key, settlement === 'dead-lettered' ? 'deadLettered' : settlement);
  });
  events.on('replied', ({ key }) => {
    add(key, 'replies');
  });
  return read;
}
