import t from 'tap';
import { createMetrics } from '../../../gateway/admin/gateway-metrics.ts';
import { GatewayEmitter } from '../../../core/contract/gateway-events.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';
import { runPipeline } from '../pipeline/run-pipeline.ts';
import { until } from '../../scaler/fixtures/until.ts';

t.setTimeout(60_000);

t.test('what happened to the records of a trigger, in numbers', async (t) => {
  const { kafka, events, pipeline } = await runPipeline(t, {
    delivery: { deadLetter: { topic: 'dead' }, retry: 1 },
    trigger: {
      filters: [
        { kind: 'not', filter: { kind: 'exact', attributes: { subject: 'dropped' } } },
        { kind: 'not', filter: { kind: 'cel', expression: 'data.nothing == 1' } },
      ],
    },
    answer: (_call, index) => [204, 500, 204, 400][index] ?? 204,
  });
  const metrics = createMetrics(events, () => [pipeline.snapshot()]);
  for (const key of ['first', 'retried', 'rejected', 'dropped', 'last']) kafka.produce({ key });
  await until(() => kafka.isDone());
  const text = await metrics.metrics();
  const read = (name: string, labels: Record<string, string> = {}): number | undefined => {
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
    const wanted = Object.entries({ namespace: 'geo', trigger: 'quake-alerts', ...labels });
    const line = lines.find((one) => wanted.every(([label, value]) => one.includes(`${label}="${value}"`)));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  };
  t.equal(read('millrace_settled_records_total', { settlement: 'delivered' }), 3);
  t.equal(read('millrace_settled_records_total', { settlement: 'filtered' }), 1);
  t.equal(read('millrace_settled_records_total', { settlement: 'dead-lettered' }), 1);
  t.equal(read('millrace_attempts_total', { outcome: 'delivered', status: '204' }), 3);
  t.equal(read('millrace_attempts_total', { outcome: 'retry', status: '500' }), 1);
  t.equal(read('millrace_attempts_total', { outcome: 'rejected', status: '400' }), 1);
  t.equal(read('millrace_filter_errors_total', { dialect: 'cel', reason: 'evaluation' }), 4);
  t.equal(read('millrace_retries_total'), 1);
  t.equal(read('millrace_dead_lettered_records_total', { reason: 'rejected' }), 1);
  t.equal(read('millrace_buffered_records'), 0);
  t.equal(read('millrace_trigger_ready'), 1);
});

t.test('what keeps records back: circuits, limits, and rates', async (t) => {
  const { kafka, fn, events, pipeline } = await runPipeline(t, {
    delivery: { retry: 30, backoffDelayMs: 1, backoffMaxMs: 1 },
    function: { concurrency: { min: 3, max: 5 } },
    answer: 503,
  });
  const metrics = createMetrics(events, () => [pipeline.snapshot()]);
  const read = async (name: string): Promise<number> => {
    const line = (await metrics.metrics()).split('\n').find((one) => one.startsWith(`${name}{`));
    return Number(line?.split(' ').at(-1));
  };
  t.equal(await read('millrace_concurrency_limit'), 3);
  t.equal(await read('millrace_lowest_concurrency_limit'), 3);
  t.equal(await read('millrace_rate_limited'), 0);
  kafka.produce();
  await until(async () => (await read('millrace_open_circuits')) === 1);
  t.equal(await read('millrace_circuits_opened_total'), 1);
  fn.answer(204);
  await until(() => kafka.isDone());
  t.equal(await read('millrace_open_circuits'), 0);
});

t.test('what sources came upon and mended, in numbers', async (t) => {
  const events = new GatewayEmitter();
  const metrics = createMetrics(events, () => []);
  const subscription = subscriptionOf('quake-alerts');
  const at = { topic: 'quakes', partition: 1, offset: 8n };
  events.emit('sourceNotice', subscription, { kind: 'rebuilt', reason: 'joining', detail: 'quakes-1' });
  events.emit('sourceNotice', subscription, { kind: 'skipped', at, count: 3n });
  events.emit('sourceNotice', subscription, { kind: 'recreated', topic: 'quakes', before: 'a', now: 'b' });
  events.emit('sourceNotice', subscription, { kind: 'truncated', at, position: 12n });
  events.emit('sourceNotice', subscription, { kind: 'unproved', at, count: 4n });
  events.emit('sourceNotice', subscription, { kind: 'unproved', at, count: undefined });
  const record = { ...at, timestampMs: 0, key: null, value: null, headers: [] };
  const batch = { ...at, lastOffset: 11n, why: 'it ends', bytes: Buffer.alloc(0), size: 0 };
  const request = { ...at, reason: '', by: '', deadLetter: true, waitMs: 0 };
  events.emit('skipped', subscription, request, { record, attempts: 0 });
  events.emit('skipped', subscription, request, { record, batch, attempts: 0 });
  const text = await metrics.metrics();
  t.match(text, /^millrace_unproved_records_total\{.*\} 5$/m, 'one at least where nobody can tell');
  for (const [name, reason, value] of [
    ['millrace_source_rebuilds_total', 'joining', 1],
    ['millrace_skipped_offsets_total', 'deleted', 3],
    ['millrace_skipped_offsets_total', 'unreadable', 4],
    ['millrace_source_rewinds_total', 'recreated', 1],
    ['millrace_source_rewinds_total', 'truncated', 1],
  ] as const)
    t.match(text, new RegExp(`^${name}\\{.*reason="${reason}"\\} ${value}$`, 'm'));
});
