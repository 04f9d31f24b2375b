import t, { type Test } from 'tap';
import { createDemand } from '../../../scaler/activation/demand.ts';
import { metricNameOf } from '../../../core/resources/derived-names.ts';
import type { TriggerBacklog } from '../../../scaler/backlog/backlog.ts';
import { createScalerEmitter } from '../../../scaler/scaler-events.ts';
import { createWantedTriggers } from '../../../scaler/wanted-triggers.ts';
import { subscriptionOf, type SubscriptionChanges } from '../../fixtures/subscription.ts';
import { until } from '../fixtures/until.ts';

/** A backlog all of which can move, in three lanes. */
const ofThreeLanes = (records: bigint): TriggerBacklog => ({
  records,
  movable: records,
  lanes: records < 3n ? records : 3n,
  partitions: 3,
  settled: 0n,
});

/** Demand for `geo/a`, over a backlog that the test sets: a number, or an error; in three lanes. */
function setUp(
  t: Test,
  changes: SubscriptionChanges = {},
  times: { holdMs?: number; repeatMs?: number } = {},
) {
  const triggers = createWantedTriggers();
  triggers.replace([subscriptionOf('a', changes)]);
  const events = createScalerEmitter();
  const kafka = { backlog: 0n as bigint | TriggerBacklog | Error, reads: 0 };
  const backlog = {
    read(): Promise<TriggerBacklog> {
      kafka.reads++;
      if (kafka.backlog instanceof Error) return Promise.reject(kafka.backlog);
      return Promise.resolve(typeof kafka.backlog === 'bigint' ? ofThreeLanes(kafka.backlog) : kafka.backlog);
    },
  };
  const demand = createDemand({ triggers, backlog, emit: events.emit.bind(events), repeatMs: 20, ...times });
  t.teardown(() => demand.close());
  return { triggers, events, kafka, demand };
}

t.test('the metric spec never touches Kafka', async (t) => {
  const { demand, kafka, triggers } = setUp(t, { scale: { lagThreshold: 25 } });
  t.strictSame(demand.metricSpec('geo/a'), { metricName: 'millrace-a', targetSize: 25 });
  triggers.replace([subscriptionOf('quake.alerts')]);
  t.equal(demand.metricSpec('geo/quake.alerts').metricName, metricNameOf('quake.alerts'));
  t.throws(() => demand.metricSpec('geo/a'), { code: 'MILLRACE_TRIGGER_UNKNOWN' });
  t.equal(kafka.reads, 0);
});

t.test('active above the activation threshold', async (t) => {
  const { demand, kafka } = setUp(t, { scale: { activationLagThreshold: 5 } });
  for (const [backlog, active] of [
    [0n, false],
    [5n, false],
    [6n, true],
  ] as const) {
    kafka.backlog = backlog;
    t.equal(await demand.isActive('geo/a'), active);
    t.equal(await demand.backlog('geo/a'), backlog);
  }
});

t.test(
  'the metric asks for no more replicas than lanes that can move, and for one where there is a backlog',
  async (t) => {
    for (const [what, backlog, metric] of [
      ['nothing', { records: 0n, movable: 0n, lanes: 0n }, 0n],
      ['little', { records: 74n, movable: 74n, lanes: 3n }, 74n],
      ['much in three lanes', { records: 1_000n, movable: 1_000n, lanes: 3n }, 75n],
      ['much in one lane', { records: 1_000n, movable: 1_000n, lanes: 1n }, 25n],
      ['a part behind a blocked record', { records: 301n, movable: 20n, lanes: 1n }, 20n],
      ['all behind a blocked record, which is sent again', { records: 301n, movable: 0n, lanes: 0n }, 1n],
    ] as const) {
      const { demand, kafka } = setUp(t, { scale: { lagThreshold: 25 } });
      kafka.backlog = { partitions: 6, settled: 0n, ...backlog };
      t.equal(await demand.metric('geo/a'), metric, what);
      t.equal(await demand.backlog('geo/a'), backlog.records, 'it is the backlog, for information');
      t.equal(await demand.isActive('geo/a'), backlog.records > 0n, 'of the whole backlog');
    }
  },
);

t.test('activity is of the backlog, not of the metric', async (t) => {
  const { demand, kafka } = setUp(t, { scale: { lagThreshold: 1, activationLagThreshold: 100 } });
  kafka.backlog = 101n;
  t.equal(await demand.metric('geo/a'), 3n);
  t.equal(await demand.isActive('geo/a'), true);
});

t.test('unknown is an error', async (t) => {
  const { demand, kafka } = setUp(t);
  kafka.backlog = new Error('unknown');
  await t.rejects(demand.isActive('geo/a'), { message: 'unknown' });
  await t.rejects(demand.backlog('geo/a'), { message: 'unknown' });
  await t.rejects(demand.metric('geo/a'), { message: 'unknown' });
  await t.rejects(demand.isActive('geo/b'), { code: 'MILLRACE_TRIGGER_UNKNOWN' });
  await t.rejects(demand.backlog('geo/b'), { code: 'MILLRACE_TRIGGER_UNKNOWN' });
  await t.rejects(demand.metric('geo/b'), { code: 'MILLRACE_TRIGGER_UNKNOWN' });
  t.throws(() => demand.wake('geo/b'), { code: 'MILLRACE_TRIGGER_UNKNOWN' });
});

t.test('an activation call notifies listeners in the same tick, and again while it counts', async (t) => {
  const { demand, kafka, events } = setUp(t, {}, { holdMs: 200 });
  const pushed: string[] = [];
  events.on('pushed', (key) => pushed.push(key));
  let pushes = 0;
  const stop = demand.onActive('geo/a', () => pushes++);
  t.equal(pushes, 0);
  demand.wake('geo/a');
  t.equal(pushes, 1, 'at once');
  t.equal(await demand.isActive('geo/a'), true);
  await until(() => pushes >= 4);
  await until(async () => !(await demand.isActive('geo/a')));
  await until(() => kafka.reads >= 2);
  stop();
  const settled = pushes;
  demand.wake('geo/a');
  t.equal(pushes, settled, 'no push after stopping');
  t.equal(pushed.length, pushes);
});

t.test('a call counts while Kafka is away', async (t) => {
  const { demand, kafka } = setUp(t);
  kafka.backlog = new Error('away');
  let pushes = 0;
  t.teardown(demand.onActive('geo/a', () => pushes++));
  demand.wake('geo/a');
  t.equal(await demand.isActive('geo/a'), true);
  await until(() => pushes >= 3);
});

t.test(
  'without a gateway: a backlog alone is pushed, at once and repeatedly, until it is gone',
  async (t) => {
    const { demand, kafka } = setUp(t, { scale: { pollingIntervalSeconds: 0.05 } });
    let pushes = 0;
    t.teardown(demand.onActive('geo/a', () => pushes++));
    await until(() => kafka.reads >= 3);
    t.equal(pushes, 0);
    kafka.backlog = 1n;
    await until(() => pushes >= 3);
    kafka.backlog = new Error('away');
    const reads = kafka.reads;
    await until(() => kafka.reads >= reads + 3);
    kafka.backlog = 0n;
    await until(() => kafka.reads >= reads + 6);
    const settled = pushes;
    await until(() => kafka.reads >= reads + 8);
    t.equal(pushes, settled);
  },
);

t.test(
  'a listener that subscribes while the trigger is active is notified before the next polling interval',
  async (t) => {
    const { demand, kafka } = setUp(t, { scale: { pollingIntervalSeconds: 3600 } });
    kafka.backlog = 1n;
    let pushes = 0;
    t.teardown(demand.onActive('geo/a', () => pushes++));
    await until(() => pushes >= 1);
  },
);

t.test('a listener that throws disturbs nobody', async (t) => {
  const { demand } = setUp(t);
  let pushes = 0;
  const broken = (): void => {
    throw new Error('broken listener');
  };
  const stops = [
    demand.onActive('geo/a', broken),
    demand.onActive('geo/a', () => pushes++),
    demand.onActive('geo/a', broken),
  ];
  demand.wake('geo/a');
  t.equal(pushes, 1);
  await until(() => pushes >= 3);
  for (const stop of [...stops, ...stops]) stop();
});

t.test(
  'one held record is no reason to start below the activation threshold: the call only polls Kafka',
  async (t) => {
    const { demand, kafka } = setUp(t, {
      scale: { activationLagThreshold: 5, pollingIntervalSeconds: 3600 },
    });
    let pushes = 0;
    demand.wake('geo/a');
    t.teardown(demand.onActive('geo/a', () => pushes++));
    await until(() => kafka.reads === 1);
    kafka.backlog = 6n;
    await until(() => {
      demand.wake('geo/a');
      return pushes > 0;
    });
  },
);

t.test('a suspended trigger needs nobody', async (t) => {
  const { demand, kafka } = setUp(t, { suspend: true });
  kafka.backlog = 100n;
  let pushes = 0;
  t.teardown(demand.onActive('geo/a', () => pushes++));
  demand.wake('geo/a');
  t.equal(await demand.isActive('geo/a'), false);
  t.equal(await demand.backlog('geo/a'), 0n);
  t.equal(await demand.metric('geo/a'), 0n);
  t.equal(pushes, 0);
});

t.test('a trigger that goes while somebody listens', async (t) => {
  const { demand, kafka, triggers } = setUp(t);
  kafka.backlog = 1n;
  let pushes = 0;
  t.teardown(demand.onActive('geo/a', () => pushes++));
  await until(() => pushes >= 2);
  triggers.replace([]);
  await t.rejects(demand.isActive('geo/a'), { code: 'MILLRACE_TRIGGER_UNKNOWN' });
  await until(() => {
    const before = pushes;
    return new Promise<boolean>((resolve) => setTimeout(() => resolve(pushes === before), 60));
  });
});

t.test('targetDrainTime changes the metric, which still is at most one replica per lane', async (t) => {
  const triggers = createWantedTriggers();
  triggers.replace([subscriptionOf('a', { scale: { targetDrainMs: 20_000 } })]);
  let kafka = ofThreeLanes(100n);
  const demand = createDemand({
    triggers,
    backlog: { read: () => Promise.resolve(kafka) },
    drainTargets: { metricFor: (_subscription, records) => records / 5n },
    emit: createScalerEmitter().emit,
  });
  t.teardown(() => demand.close());
  t.equal(await demand.metric('geo/a'), 20n);
  kafka = ofThreeLanes(1_000n);
  t.equal(await demand.metric('geo/a'), 30n);
  t.equal(await demand.backlog('geo/a'), 1_000n);
});
