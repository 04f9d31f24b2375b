import { mock } from 'node:test';
import t from 'tap';
import type { DeliverySettings, FunctionSettings } from '../../../core/contract/subscription.ts';
import { Lanes } from '../../../gateway/delivery/lanes.ts';
import { PendingRecord } from '../../../gateway/pipeline/pending-record.ts';
import { RateLimiter } from '../../../gateway/pipeline/rate-limiter.ts';
import { OpenPartition } from '../../../gateway/pipeline/open-partition.ts';
import { eventOf, recordOf } from '../events/build.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { quickSubscription } from './run-pipeline.ts';

/** Lanes with this many ready records. */
function lanesOf(count: number): Lanes<PendingRecord> {
  const lanes = new Lanes<PendingRecord>('none');
  const partition = new OpenPartition(
    { topic: 'orders', partition: 3 },
    { offset: 0n, metadata: '' },
    lanes.group(),
  );
  for (let offset = 0; offset < count; offset += 1) {
    const record = recordOf({ offset: BigInt(offset) });
    partition.lanes.add(null, new PendingRecord(partition, record, eventOf(), 1));
  }
  return lanes;
}

function paceOf(rateLimit: DeliverySettings['rateLimit'], batch?: FunctionSettings['batch']) {
  const onDue = mock.fn();
  const settings = batch === undefined ? {} : { function: { contentMode: 'batched' as const, batch } };
  const rateLimiter = new RateLimiter(quickSubscription({ delivery: { rateLimit }, ...settings }), onDue);
  t.teardown(() => rateLimiter.stop());
  return { rateLimiter, onDue };
}

/** How many events may be sent, as soon as any may. A timer that fires a fraction of a ms too early is set again. */
async function roomOf(rateLimiter: RateLimiter, lanes: Lanes<PendingRecord>): Promise<number> {
  let room = 0;
  await until(() => (room = rateLimiter.room(lanes)) > 0);
  return room;
}

t.test('without a limit all may leave, and nothing is waited for', async (t) => {
  const { rateLimiter } = paceOf(undefined);
  t.equal(rateLimiter.room(lanesOf(3)), Infinity);
  rateLimiter.take(1_000);
  t.equal(rateLimiter.room(lanesOf(3)), Infinity);
  t.equal(rateLimiter.isWaiting, false);
});

t.test('a burst at once, then one timer until the next token comes', async (t) => {
  const { rateLimiter, onDue } = paceOf({ eventsPerSecond: 20, burst: 3 });
  const lanes = lanesOf(9);
  t.equal(rateLimiter.room(lanes), 3);
  rateLimiter.take(3);
  for (let look = 0; look < 5; look += 1) t.equal(rateLimiter.room(lanes), 0);
  t.equal(rateLimiter.isWaiting, true);
  await until(() => onDue.mock.callCount() > 0);
  t.equal(onDue.mock.callCount(), 1);
  t.equal(rateLimiter.isWaiting, false);
  await roomOf(rateLimiter, lanes);
});

t.test('a batch waits for the tokens of what is ready, no longer than for more events', async (t) => {
  const batch = { maxEvents: 10, maxBytes: 2 ** 20, maxWaitMs: 100 };
  for (const [ready, burst, room] of [
    [3, 50, 3],
    [50, 50, 5],
    [50, 2, 2],
  ] as const) {
    // 100 events a second: five in 50 ms.
    const { rateLimiter, onDue } = paceOf({ eventsPerSecond: 100, burst }, { ...batch, maxWaitMs: 50 });
    const lanes = lanesOf(ready);
    rateLimiter.take(burst);
    t.equal(rateLimiter.room(lanes), 0);
    await until(() => onDue.mock.callCount() > 0);
    const given = await roomOf(rateLimiter, lanes);
    t.ok(given >= room, `${given} of ${room}`);
  }
  const { rateLimiter } = paceOf({ eventsPerSecond: 100, burst: 100 }, { ...batch, maxWaitMs: 0 });
  t.equal(rateLimiter.room(lanesOf(1)), 100);
});

t.test('stopped, it leaves no timer behind', async (t) => {
  const { rateLimiter, onDue } = paceOf({ eventsPerSecond: 1, burst: 1 });
  rateLimiter.take(1);
  t.equal(rateLimiter.room(lanesOf(1)), 0);
  rateLimiter.stop();
  t.equal(rateLimiter.isWaiting, false);
  t.equal(onDue.mock.callCount(), 0);
});
