// What is produced while faults happen: records of every fate, told by the first letter of their ids.
//
//   r  accepted          y  refused once or twice, then accepted      p  rejected (in a batch: failed for ever)
//   f  filtered out      u  calls itself a CloudEvent and is none     x  failed for ever
import { setTimeout as delay } from 'node:timers/promises';
import type { Message } from 'kafkajs';
import type { LoggedRecord } from '../fixtures/oracle/oracle-evidence.ts';
import type { Oracle } from '../fixtures/oracle/oracle.ts';
import { createRandom } from './random.ts';
import type { Scenario, Shape } from './scenario.ts';

export type Fate = 'r' | 'y' | 'p' | 'f' | 'u' | 'x';

const filteredLot = 'left-out';
/** The trigger's filter, where it has one. */
export const filter = { not: { exact: { kafkaheaderlot: filteredLot } } };

export function isFiltered({ headers }: LoggedRecord): boolean {
  return String(headers.batch) === filteredLot;
}

export function fateOf(id: string | undefined): Fate {
  return (id?.[0] ?? 'r') as Fate;
}

/** In how many of a thousand records each fate comes; a record that would block its lane for ever needs a dead letter. */
function sharesOf({ deadLetter, filters }: Shape): [Fate, number][] {
  return [
    ['y', 15],
    ['f', filters ? 100 : 0],
    ['p', deadLetter ? 10 : 0],
    ['x', deadLetter ? 3 : 0],
    ['u', deadLetter ? 5 : 0],
  ];
}

/** The group is never more than so many records behind. */
const mostBacklog = 2_000;

/** Produces until it is told to end; then resolves when Kafka has acknowledged the last. */
export function startLoad(oracle: Oracle, { seed, shape }: Scenario): () => Promise<void> {
  const random = createRandom(seed);
  const { keys, perRequest, pauseMs } = shape.load;
  const shares = sharesOf(shape);
  let made = 0;
  const message = (): Message => {
    let ticket = random.between(0, 999);
    const fate = shares.find(([, share]) => (ticket -= share) < 0)?.[0] ?? 'r';
    made += 1;
    const id = `${fate}${made}`;
    const value = JSON.stringify({ id, pad: 'x'.repeat(80) });
    const key = `k${random.between(0, keys - 1)}`;
    switch (fate) {
      case 'f':
        return { key, value, headers: { batch: filteredLot } };
      case 'u':
        return { key, value, headers: { 'content-type': 'application/cloudevents+json' } };
      default:
        return { key, value };
    }
  };
  let isOver = false;
  const run = async (): Promise<void> => {
    while (!isOver) {
      if (oracle.acknowledged < oracle.committedCount + mostBacklog)
        await oracle.send(Array.from({ length: perRequest }, message));
      await delay(pauseMs);
    }
  };
  const running = run();
  running.catch(() => undefined);
  return () => {
    isOver = true;
    return running;
  };
}
