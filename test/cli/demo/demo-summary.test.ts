import t from 'tap';
import {
  summaryLines,
  summarizeDemo,
  demoDiscrepancies,
  type TriggerObservation,
} from '../../../cli/demo/demo-summary.ts';
import { FunctionLog } from '../../../cli/demo/function-log.ts';

const appendedMs = new Map([
  ['a', 1000],
  ['b', 1100],
  ['c', 9000],
]);

const all: TriggerObservation = {
  name: 'all',
  delivered: 3,
  filtered: 0,
  deadLettered: 0,
  replies: 0,
  arrivals: [
    { id: 'b', atMs: 1500, sleeps: 0 },
    { id: 'a', atMs: 1600, sleeps: 0 },
    { id: 'c', atMs: 9250, sleeps: 1 },
  ],
  maxReplicas: 4,
  finalReplicas: 0,
};
const some: TriggerObservation = {
  ...all,
  name: 'some',
  delivered: 1,
  filtered: 2,
  replies: 1,
  arrivals: [{ id: 'a', atMs: 1300, sleeps: 0 }],
  maxReplicas: 1,
};

t.test('an summary that adds up', async (t) => {
  const summary = summarizeDemo(appendedMs, [all, some]);
  const { triggers, ...sums } = summary;
  t.strictSame(sums, {
    records: 3,
    filtered: 2,
    delivered: 4,
    duplicates: 0,
    deadLettered: 0,
    replies: 1,
    coldStartMs: { all: 500, some: 300 },
    maxReplicas: 4,
    finalReplicas: 0,
  });
  t.strictSame(triggers.all?.coldStartsMs, [500, 250], 'the oldest record of a wake → its first request');
  t.strictSame(demoDiscrepancies(summary), []);
  t.match(summaryLines(summary).join('\n'), /^all +3 +0 +0 +0 +3 +0 +4 {2}500 ms, 250 ms$/m);
});

t.test('summaries that do not', async (t) => {
  const [first] = all.arrivals;
  const cases: [Partial<TriggerObservation>, string][] = [
    [{ delivered: 2 }, 'all: 2 of 3 records are settled'],
    [{ arrivals: all.arrivals.slice(1) }, 'all: 2 of 3 events arrived'],
    [
      { arrivals: [...all.arrivals, ...(first === undefined ? [] : [first])] },
      'all: 1 events arrived more than once',
    ],
    [{ finalReplicas: 1 }, 'all: 1 replicas still run'],
  ];
  for (const [change, discrepancy] of cases) {
    t.strictSame(demoDiscrepancies(summarizeDemo(appendedMs, [{ ...all, ...change }, some])), [discrepancy]);
  }
});

t.test('a function that never woke has no cold start', async (t) => {
  const idle = { ...some, delivered: 0, filtered: 3, arrivals: [], maxReplicas: 0 };
  t.strictSame(summarizeDemo(appendedMs, [idle]).coldStartMs, {});
  t.strictSame(demoDiscrepancies(summarizeDemo(appendedMs, [idle])), []);
});

t.test('the function log', async (t) => {
  const log = new FunctionLog();
  t.notOk(log.readLine('one', '! magnitude 5.0'));
  t.ok(log.readLine('one', 'received a at 2026-01-01T00:00:00.250Z'));
  for (const ready of [1, 3, 2]) log.observeReplicas('one', { alive: 3, ready });
  log.observeReplicas('one', { alive: 0, ready: 0 });
  log.observeReplicas('one', { alive: 0, ready: 0 });
  t.ok(log.readLine('one', 'received b at 2026-01-01T00:00:09.000Z'));
  const startMs = Date.parse('2026-01-01T00:00:00.000Z');
  t.strictSame(log.arrivals('one'), [
    { id: 'a', atMs: startMs + 250, sleeps: 0 },
    { id: 'b', atMs: startMs + 9000, sleeps: 1 },
  ]);
  t.equal(log.maxReady('one'), 3);
  t.strictSame(log.arrivals('other'), []);
});
