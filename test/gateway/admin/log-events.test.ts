import { EventEmitter } from 'node:events';
import { pino } from 'pino';
import t from 'tap';
import { logEvents } from '../../../gateway/admin/log-events.ts';
import { MillraceError } from '../../../core/contract/errors.ts';
import type { GatewayEvents } from '../../../core/contract/gateway-events.ts';
import { headersOf } from '../events/build.ts';
import { runPipeline } from '../pipeline/run-pipeline.ts';
import { mark } from '../../fixtures/secrets/planted.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';
import { until } from '../../scaler/fixtures/until.ts';

t.setTimeout(60_000);

/** What is logged of `events`, line by line. */
function logOf(events: EventEmitter<GatewayEvents>): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  logEvents(events, pino({ level: 'trace', base: null, timestamp: false }, { write }));
  return lines;
}

const subscription = subscriptionOf('quake-alerts');

t.test('whatever becomes of a record, its key, value and headers reach no line', async (t) => {
  const secret = mark;
  const lives = [
    await runPipeline(t, {
      delivery: { deadLetter: { topic: 'dead' }, retry: 1 },
      answer: (_call, index) => [500, 400, 204][index] ?? 500,
    }),
    await runPipeline(t, { delivery: { retry: 0, backoffMaxMs: 5 }, drainLimitMs: 50, answer: 500 }),
    await runPipeline(t, {
      delivery: { deadLetter: { topic: 'dead' } },
      trigger: { reply: { topic: 'notices', transactional: false } },
      answer: { status: 200, headers: { 'ce-specversion': secret, 'ce-id': '1' } },
    }),
    await runPipeline(t, { delivery: { retry: 0, backoffMaxMs: 5 }, drainLimitMs: 50 }),
  ];
  const undecodable = headersOf(
    ['ce_specversion', '1.0'],
    ['ce_id', '1'],
    ['ce_source', 's'],
    ['ce_type', 't'],
    ['ce_time', secret],
  );
  for (const [index, { kafka, events, seen }] of lives.entries()) {
    const lines = logOf(events);
    const plain = {
      key: `key ${secret}`,
      value: `value ${secret}`,
      headers: headersOf(['authorization', secret], [secret, 'x']),
    };
    kafka.failsWrite = () => seen('storeFailed').length === 0;
    if (index < 3) for (let record = 0; record < 3; record += 1) kafka.produce(plain);
    if (index !== 1) kafka.produce({ ...plain, headers: undecodable });
    await until(() => (index === 0 || index === 2 ? kafka.isDone() : seen('blocked').length === 1));
    t.ok(lines.length > 0);
    t.notMatch(JSON.stringify(lines), secret);
  }
});

t.test('where a record went, and why', async (t) => {
  const events = new EventEmitter<GatewayEvents>();
  const lines = logOf(events);
  const record = {
    topic: 'quakes',
    partition: 1,
    offset: 2n ** 60n,
    timestampMs: 0,
    key: null,
    value: null,
    headers: [],
  };
  const cause = {
    reason: 'exhausted',
    detail: 'the function answered 500',
    status: 500,
    attempts: 11,
  } as const;
  events.emit('deadLettered', subscription, record, cause, { topic: 'dead', partition: 0, offset: 7n });
  t.match(lines, [
    {
      level: 40,
      trigger: 'geo/quake-alerts',
      topic: 'quakes',
      partition: 1,
      offset: '1152921504606846976',
      reason: 'exhausted',
      detail: 'the function answered 500',
      attempts: 11,
      deadLetter: { topic: 'dead', partition: 0, offset: '7' },
    },
  ]);
});

t.test('what blocks says how to skip it; what is skipped says who did it, and no payload', async (t) => {
  const events = new EventEmitter<GatewayEvents>();
  const lines = logOf(events);
  const place = { topic: 'quakes', partition: 1, offset: 7n };
  const record = { ...place, timestampMs: 0, key: Buffer.from('hunter2'), value: null, headers: [] };
  const cause = { reason: 'rejected', detail: 'it said "hunter2"', status: 400, attempts: 2 } as const;
  events.emit('blocked', subscription, record, 'rejected: the function answered 400');
  const request = { ...place, reason: 'no use', by: 'curl at ::1', deadLetter: true, waitMs: 0 };
  events.emit('skipped', subscription, request, {
    record,
    attempts: 2,
    cause,
    deadLetter: { ...place, topic: 'dead' },
  });
  events.emit('skipped', subscription, request, { record: { ...record, key: null }, attempts: 0 });
  t.match(lines, [
    { level: 50, msg: / or: millrace skip geo\/quake-alerts --topic quakes --partition 1 --offset 7$/ },
    {
      level: 40,
      msg: 'record skipped',
      offset: '7',
      by: 'curl at ::1',
      reason: 'no use',
      keyBytes: 7,
      attempts: 2,
      cause: 'rejected',
      deadLetter: { topic: 'dead', offset: '7' },
    },
    { level: 40, attempts: 0, cause: undefined, deadLetter: undefined },
  ]);
  t.notMatch(JSON.stringify(lines), 'hunter2');
});

t.test('a source that fails is told once, with what to look for, and when it is well again', async (t) => {
  const events = new EventEmitter<GatewayEvents>();
  const lines = logOf(events);
  const error = new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'no connection to Kafka', {
    cause: new Error('ECONNREFUSED'),
  });
  const partition = { topic: 'quakes', partition: 0 };
  for (let round = 0; round < 3; round += 1) {
    events.emit('sourceState', subscription, { kind: 'starting', reason: 'looking up the topics' });
    events.emit('sourceState', subscription, { kind: 'failing', reason: 'no connection to Kafka', error });
  }
  events.emit('opened', subscription, { ...partition, position: 5n } as typeof partition, 5n);
  events.emit('sourceState', subscription, { kind: 'consuming', partitions: [partition] });
  t.match(lines, [
    { level: 30, msg: 'starting: looking up the topics' },
    { level: 40, code: 'MILLRACE_KAFKA_UNREACHABLE', error: 'no connection to Kafka: ECONNREFUSED' },
    { level: 20, topic: 'quakes', partition: 0, offset: '5' },
    { level: 30, msg: 'consuming 1 partitions' },
  ]);
});

t.test('an endpoint that is left alone is named, and when it answers again', async (t) => {
  const events = new EventEmitter<GatewayEvents>();
  const lines = logOf(events);
  events.emit('circuitOpened', subscription, 'http://10.1.2.3:8080');
  events.emit('circuitClosed', subscription, 'http://10.1.2.3:8080');
  t.match(lines, [
    { level: 40, trigger: 'geo/quake-alerts', origin: 'http://10.1.2.3:8080' },
    { level: 30, trigger: 'geo/quake-alerts', origin: 'http://10.1.2.3:8080', msg: 'endpoint answers again' },
  ]);
});

t.test(
  'an endpoint that takes no connection is told with the reason, one that may not be as a warning',
  async (t) => {
    const events = new EventEmitter<GatewayEvents>();
    const lines = logOf(events);
    const [origin, code] = ['http://cloud.test', 'MILLRACE_ADDRESS_REFUSED'];
    events.emit('unreachable', subscription, 'http://10.1.2.3:8080', {
      reason: 'no connection',
      code: undefined,
    });
    events.emit('unreachable', subscription, origin, { reason: `${code}: cloud.test resolves to …`, code });
    t.match(lines, [
      { level: 30, trigger: 'geo/quake-alerts', origin: 'http://10.1.2.3:8080', reason: 'no connection' },
      { level: 40, trigger: 'geo/quake-alerts', origin, code, reason: /cloud\.test resolves to/ },
    ]);
  },
);

t.test('a filter that errs is told once, and again after a minute with how often it did', (t) => {
  const clock = t.intercept(performance, 'now', { value: () => nowMs });
  let nowMs = 0;
  const events = new EventEmitter<GatewayEvents>();
  const lines = logOf(events);
  const fault = { path: 'filters[0]', dialect: 'cel', code: 'missingAttribute' } as const;
  for (let round = 0; round < 1000; round += 1) events.emit('filterFailed', subscription, fault);
  events.emit('filterFailed', subscription, { ...fault, code: 'payload' });
  events.emit('filterFailed', subscriptionOf('other'), fault);
  nowMs = 60_000;
  events.emit('filterFailed', subscription, fault);
  clock.restore();
  t.match(lines, [
    {
      level: 40,
      trigger: 'geo/quake-alerts',
      filter: 'filters[0]',
      dialect: 'cel',
      reason: 'missingAttribute',
    },
    { trigger: 'geo/quake-alerts', reason: 'payload' },
    { trigger: 'geo/other', reason: 'missingAttribute' },
    { trigger: 'geo/quake-alerts', reason: 'missingAttribute', more: 999 },
  ]);
  t.equal(lines.length, 4);
  t.end();
});

t.test('what a source came upon and mended', async (t) => {
  const events = new EventEmitter<GatewayEvents>();
  const lines = logOf(events);
  const at = { topic: 'quakes', partition: 1, offset: 8n };
  events.emit('sourceNotice', subscription, { kind: 'rebuilt', reason: 'topics', detail: 'gone: quakes' });
  events.emit('sourceNotice', subscription, { kind: 'rebuilt', reason: 'stalled', detail: 'quakes-1' });
  events.emit('sourceNotice', subscription, { kind: 'skipped', at, count: 3n });
  events.emit('sourceNotice', subscription, { kind: 'recreated', topic: 'quakes', before: 'a', now: 'b' });
  events.emit('sourceNotice', subscription, { kind: 'truncated', at, position: 12n });
  t.match(lines, [
    { level: 30, reason: 'topics', detail: 'gone: quakes' },
    { level: 40, reason: 'stalled', detail: 'quakes-1' },
    { level: 40, topic: 'quakes', partition: 1, offset: '8', offsets: '3' },
    { level: 40, topic: 'quakes', idBefore: 'a', idNow: 'b' },
    { level: 40, topic: 'quakes', partition: 1, offset: '8', position: '12' },
  ]);
});
