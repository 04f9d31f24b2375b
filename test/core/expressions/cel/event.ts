// An event for the tests of CEL.
import type { CloudEvent } from '../../../../core/contract/event.ts';
import { compileCel, type CelResult } from '../../../../core/expressions/cel/compile-cel.ts';

/** An event with `data` as JSON; a Buffer stands for itself. */
export function eventWith(data: unknown, more: Partial<CloudEvent> = {}): CloudEvent {
  return {
    id: '1',
    source: '/quakes',
    type: 'dev.quake',
    time: '2024-05-06T07:08:09.123Z',
    datacontenttype: 'application/json',
    extensions: { kafkapartition: 3, flag: true, region: 'eu' },
    data: data === null || Buffer.isBuffer(data) ? data : Buffer.from(JSON.stringify(data)),
    ...more,
  };
}

/** What `source`, which compiles, is on `event`. */
export function evaluateCel(source: string, event: CloudEvent = eventWith(null)): CelResult {
  const compiled = compileCel(source);
  if (compiled.kind === 'invalid') throw new Error(`${source}: ${compiled.error.message}`);
  return compiled.evaluate(event);
}
