import { pino } from 'pino';
import t from 'tap';
import { logEvents, logListenerFaults } from '../../../gateway/admin/log-events.ts';
import { MillraceError } from '../../../core/contract/errors.ts';
import { GatewayEmitter } from '../../../core/contract/gateway-events.ts';
import { headersOf } from '../events/build.ts';
import { runPipeline } from '../pipeline/run-pipeline.ts';
import { mark } from '../../fixtures/secrets/planted.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';
import { until } from '../../scaler/fixtures/until.ts';

t.setTimeout(60_000);

/** What is logged of `events`, line by line. */
function logOf(events: GatewayEmitter): Record<string, unknown>[] {
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
  const events = new GatewayEmitter();
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
  const events = new GatewayEmitter();
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

t.test('a batch that cannot be read: where, why, how to pass it, and none of its bytes', async (t) => {
  const events = new GatewayEmitter();
  const lines = logOf(events);
  const place = { topic: 'quakes', partition: 1, offset: 7n };
  const bytes = Buffer.from('hunter2');
  const batch = { ...place, lastOffset: 9n, why: 'its CRC-32C is another', bytes, size: 7 };
  events.emit('unreadable', subscription, batch);
  const request = { ...place, reason: 'disk', by: 'curl at ::1', deadLetter: true, waitMs: 0 };
  const record = { ...place, timestampMs: 0, key: null, value: bytes, headers: [] };
  const cause = { reason: 'unreadable', detail: batch.why, attempts: 0 } as const;
  events.emit('skipped', subscription, request, { record, batch, attempts: 0, cause });
  events.emit('passed', subscription, { ...batch, lastOffset: undefined });
  const facts = { topic: 'quakes', partition: 1, offset: '7', lastOffset: '9' };
  t.match(lines, [
    {
      ...{ level: 50, ...facts, reason: 'its CRC-32C is another' },
      msg: /^batch cannot be read, .* or: millrace skip geo\/quake-alerts --topic quakes --partition 1 --offset 7$/,
    },
    {
      level: 40,
      ...facts,
      msg: 'batch skipped',
      by: 'curl at ::1',
      reason: 'disk',
      valueBytes: 7,
      detail: batch.why,
    },
    { level: 30, offset: '7', lastOffset: undefined, msg: 'partition goes on', recovered: true },
  ]);
  t.notMatch(JSON.stringify(lines), 'hunter2');
  t.notMatch(JSON.stringify(lines), bytes.toString('base64'));
});

t.test('a source that fails is told once, with what to look for, and when it is well again', async (t) => {
  const events = new GatewayEmitter();
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
    { level: 30, recovered: true, msg: 'Kafka answers again: consuming 1 partitions' },
  ]);

  lines.length = 0;
  const missing = new MillraceError('MILLRACE_TOPIC_MISSING', 'topic "quakes" missing');
  events.emit('sourceState', subscription, { kind: 'failing', reason: 'missing', error: missing });
  events.emit('sourceState', subscription, { kind: 'consuming', partitions: [partition] });
  events.emit('sourceState', subscription, { kind: 'consuming', partitions: [] });
  t.match(lines, [
    { level: 40, code: 'MILLRACE_TOPIC_MISSING' },
    { recovered: true, msg: 'source works again: consuming 1 partitions' },
    { recovered: undefined, msg: 'consuming 0 partitions' },
  ]);
});

t.test('an endpoint that is left alone is named, and when it answers again', async (t) => {
  const events = new GatewayEmitter();
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
    const events = new GatewayEmitter();
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
  const events = new GatewayEmitter();
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
  const events = new GatewayEmitter();
  const lines = logOf(events);
  const at = { topic: 'quakes', partition: 1, offset: 8n };
  events.emit('sourceNotice', subscription, { kind: 'rebuilt', reason: 'topics', detail: 'gone: quakes' });
  events.emit('sourceNotice', subscription, { kind: 'rebuilt', reason: 'joining', detail: 'quakes-1' });
  events.emit('sourceNotice', subscription, { kind: 'skipped', at, count: 3n });
  events.emit('sourceNotice', subscription, { kind: 'recreated', topic: 'quakes', before: 'a', now: 'b' });
  events.emit('sourceNotice', subscription, { kind: 'truncated', at, position: 12n });
  events.emit('sourceNotice', subscription, { kind: 'reset', at, position: 500n });
  t.match(lines, [
    { level: 30, reason: 'topics', detail: 'gone: quakes' },
    { level: 40, reason: 'joining', detail: 'quakes-1' },
    { level: 40, topic: 'quakes', partition: 1, offset: '8', offsets: '3' },
    { level: 40, topic: 'quakes', idBefore: 'a', idNow: 'b' },
    { level: 40, topic: 'quakes', partition: 1, offset: '8', position: '12' },
    { level: 40, topic: 'quakes', partition: 1, offset: '8', position: '500' },
  ]);
});

t.test('a fault is shown with its stack, and without what its message quotes of a record', (t) => {
  const events = new GatewayEmitter();
  const lines = logOf(events);
  const cause = new TypeError('cannot read "card 4711"');
  const fault = new MillraceError('MILLRACE_TRIGGER_FAULTED', 'a fault stopped the trigger', { cause });
  events.emit('faulted', subscription, fault, 1_000);
  events.emit('faulted', subscription, fault, undefined);
  const told = { level: 50, trigger: 'geo/quake-alerts', code: 'MILLRACE_TRIGGER_FAULTED', stack: /^at / };
  t.match(lines, [{ ...told, restartMs: 1_000 }, told]);
  t.notMatch(JSON.stringify(lines), '4711');
  t.end();
});

t.test('a listener that throws is logged once for each event, also where the log is what fails', (t) => {
  const lines: string[] = [];
  const events = new GatewayEmitter(logListenerFaults(pino({}, { write: (line) => lines.push(line) })));
  const fail = (): never => {
    throw new Error('no space left');
  };
  for (const name of ['released', 'ended'] as const) events.on(name, fail);
  for (const name of ['released', 'released', 'ended'] as const) events.emit(name, subscription);
  t.match(
    lines.map((line): unknown => JSON.parse(line)),
    [{ event: 'released' }, { event: 'ended' }],
  );
  t.equal(lines.length, 2);
  const unwritable = new GatewayEmitter(logListenerFaults(pino({}, { write: fail })));
  unwritable.on('released', fail);
  t.equal(unwritable.emit('released', subscription), true);
  t.end();
});

t.test('a reason that was logged is logged again for a trigger that ended and came back', (t) => {
  const events = new GatewayEmitter();
  const lines = logOf(events);
  const failing = { kind: 'failing', reason: 'no broker', error: new Error('no broker') } as const;
  events.emit('sourceState', subscription, failing);
  events.emit('sourceState', subscription, failing);
  events.emit('ended', subscription);
  events.emit('sourceState', subscription, failing);
  t.equal(lines.length, 2);
  t.end();
});
