// The load during faults: records of every fate. The first letter of a record's id is its fate.
//
//   r  accepted          y  refused once or twice, then accepted      p  rejected (in a batch: fails always)
//   f  filtered out      u  claims to be a CloudEvent and is not      x  fails always
import { setTimeout as delay } from 'node:timers/promises';
import type { Message } from 'kafkajs';
import type { LoggedRecord } from '../../fixtures/oracle/oracle-evidence.ts';
import type { Oracle } from '../../fixtures/oracle/oracle.ts';
import { createRandom } from '../../fixtures/seeded-random.ts';
import type { Scenario, Shape } from '../scenario/scenario.ts';

export type Fate = 'r' | 'y' | 'p' | 'f' | 'u' | 'x';

const filteredBatch = 'left-out';
/** The filter of a trigger with filters. */
export const filter = { not: { exact: { kafkaheaderbatch: filteredBatch } } };

export function isFiltered({ headers }: LoggedRecord): boolean {
  return String(headers.batch) === filteredBatch;
}

export function fateOf(id: string | undefined): Fate {
  return (id?.[0] ?? 'r') as Fate;
}

/** How many of a thousand records have each fate. Records that would block their lane for ever need a dead-letter topic. */
function sharesOf({ deadLetter, filters }: Shape): [Fate, number][] {
  return [
    ['y', 15],
    ['f', filters ? 100 : 0],
    ['p', deadLetter ? 10 : 0],
    ['x', deadLetter ? 3 : 0],
    ['u', deadLetter ? 5 : 0],
  ];
}

/** The load pauses while the lag of the group is this large. */
const mostBacklog = 2_000;

/** Produces until the returned function is called, which resolves when Kafka has acknowledged the last record. */
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
        return { key, value, headers: { batch: filteredBatch } };
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
