import t, { type Test } from 'tap';
import { createControllerEmitter } from '../../../controller/controller-events.ts';
import { createScalerMetrics } from '../../../scaler/admin/scaler-metrics.ts';
import { createAdminServer, type Readiness } from '../../../scaler/admin/scaler-admin-server.ts';
import { MillraceError } from '../../../core/contract/errors.ts';
import { createScalerEmitter } from '../../../scaler/scaler-events.ts';
import { createWantedTriggers } from '../../../scaler/wanted-triggers.ts';
import { localServerOptions, strictServer } from '../../fixtures/access/open-server.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';

async function setUp(t: Test, options: typeof localServerOptions = localServerOptions) {
  const triggers = createWantedTriggers();
  const events = createScalerEmitter();
  const metrics = createScalerMetrics(events, createControllerEmitter(), triggers);
  triggers.replace([subscriptionOf('a'), subscriptionOf('b')]);
  const woken: string[] = [];
  const state: { readiness: Readiness } = {
    readiness: { ready: false, kafka: { reachable: false, error: 'away' } },
  };
  const server = await createAdminServer({
    ...options,
    demand: { wake: (key) => woken.push(key) },
    triggers,
    emit: events.emit.bind(events),
    metrics,
    readiness: () => state.readiness,
  });
  t.teardown(() => server.close());
  const call = (payload: unknown) =>
    server.inject({ method: 'POST', url: '/v1/activations', payload: payload as object });
  return { server, triggers, events, woken, state, call };
}

t.test('an activation call wakes every trigger that it names', async (t) => {
  const { call, woken } = await setUp(t);
  const response = await call({
    triggers: [
      { namespace: 'geo', name: 'a' },
      { namespace: 'geo', name: 'b' },
    ],
  });
  t.equal(response.statusCode, 204);
  t.equal(response.body, '');
  t.strictSame(woken, ['geo/a', 'geo/b']);
});

t.test('unknown triggers are named in a problem; the known ones are awake all the same', async (t) => {
  const { call, woken } = await setUp(t);
  const names = ['x', 'a', 'y'];
  const response = await call({ triggers: names.map((name) => ({ namespace: 'geo', name })) });
  t.equal(response.statusCode, 404);
  t.match(response.headers['content-type'], /^application\/problem\+json/);
  t.match(response.json(), {
    status: 404,
    code: 'MILLRACE_TRIGGER_UNKNOWN',
    detail: /geo\/x, geo\/y/,
    triggers: ['geo/x', 'geo/y'],
  });
  t.strictSame(woken, ['geo/a']);
});

t.test('what is no activation call wakes nobody', async (t) => {
  const { call, server, woken } = await setUp(t);
  const bodies = [
    {},
    { triggers: [] },
    { triggers: [{ name: 'a' }] },
    { triggers: [{ namespace: '', name: 'a' }] },
    { triggers: ['geo/a'] },
    { triggers: Array.from({ length: 1001 }, () => ({ namespace: 'geo', name: 'a' })) },
  ];
  for (const body of bodies) t.equal((await call(body)).statusCode, 400, JSON.stringify(body).slice(0, 50));
  const padded = { triggers: [{ namespace: 'geo', name: 'a' }], padding: 'x'.repeat(600_000) };
  t.equal((await call(padded)).statusCode, 413);
  const text = await server.inject({
    method: 'POST',
    url: '/v1/activations',
    payload: 'a',
    headers: { 'content-type': 'text/plain' },
  });
  t.equal(text.statusCode, 415);
  t.equal((await server.inject('/v1/activations')).statusCode, 404);
  t.strictSame(woken, []);
});

t.test('health and readiness', async (t) => {
  const { server, state } = await setUp(t);
  t.equal((await server.inject('/healthz')).statusCode, 200);
  const unready = await server.inject('/readyz');
  t.equal(unready.statusCode, 503);
  const away = { kafka: 'unreachable', reason: 'away' };
  t.strictSame(unready.json(), { status: 'waiting', waiting: [away] });
  state.readiness = { ready: true, kafka: { reachable: true } };
  const ready = await server.inject('/readyz');
  t.equal(ready.statusCode, 200);
  t.strictSame(ready.json(), { status: 'ready', waiting: [] }, 'in the form of the gateway');
  state.readiness = { ready: true, kafka: { reachable: false, error: 'away' } };
  t.strictSame((await server.inject('/readyz')).json(), { status: 'ready', waiting: [away] });
});

t.test(
  'only callers with the right can wake functions, and only those who may view triggers see the state of Kafka',
  async (t) => {
    const grants = { gateway: ['activate'], viewer: ['view', 'scrape'] } as const;
    const { server, woken } = await setUp(t, strictServer(grants).options);
    const as = (token?: string) =>
      token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } };
    const payload = { triggers: [{ namespace: 'geo', name: 'a' }] };
    const wake = (token?: string) =>
      server.inject({ method: 'POST', url: '/v1/activations', payload, ...as(token) });
    t.equal((await wake()).statusCode, 401);
    t.equal((await wake('viewer')).statusCode, 403);
    t.strictSame(woken, []);
    t.equal((await wake('gateway')).statusCode, 204);
    t.strictSame(woken, ['geo/a']);
    const counted = { status: 'waiting', waiting: 1 };
    t.strictSame((await server.inject('/readyz')).json(), counted);
    t.strictSame((await server.inject({ url: '/readyz', ...as('gateway') })).json(), counted);
    t.match((await server.inject({ url: '/readyz', ...as('viewer') })).json(), {
      waiting: [{ kafka: 'unreachable', reason: 'away' }],
    });
    t.equal((await server.inject('/metrics')).statusCode, 401);
    t.equal((await server.inject({ url: '/metrics', ...as('viewer') })).statusCode, 200);
  },
);

t.test('a gateway asks as often as it has to', async (t) => {
  const { server, woken } = await setUp(t, strictServer({ gateway: ['activate'] }).options);
  const headers = { authorization: 'Bearer gateway' };
  const payload = { triggers: [{ namespace: 'geo', name: 'a' }] };
  for (let asked = 0; asked < 1_300; asked += 1)
    await server.inject({ method: 'POST', url: '/v1/activations', headers, payload });
  t.equal(woken.length, 1_300);
});

t.test('metrics', async (t) => {
  const { server, events, triggers, call } = await setUp(t);
  const text = async () => (await server.inject('/metrics')).body;
  events.emit('backlog', 'geo/a', 42n);
  events.emit('backlog', 'geo/b', 7n);
  const read = { brokers: ['kafka:9092'], seconds: 0.02, queries: 2, error: undefined, isTurn: false };
  events.emit('polled', read, true);
  const error = new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'away');
  events.emit('polled', { ...read, error, isTurn: true }, true);
  events.emit('kafkaRequest', 'OffsetFetch');
  events.emit('streamOpened', 'geo/a');
  events.emit('streamOpened', 'geo/b');
  events.emit('streamClosed', 'geo/b');
  events.emit('pushed', 'geo/a');
  events.emit('answered', 'GetMetrics', 'OK');
  const cause = new MillraceError('MILLRACE_TOPIC_MISSING', 'gone');
  events.emit('backlogFailed', 'geo/b', new MillraceError('MILLRACE_BACKLOG_UNKNOWN', 'unknown', { cause }));
  events.emit('backlogFailed', 'geo/b', new Error('bug'));
  await call({
    triggers: [
      { namespace: 'geo', name: 'a' },
      { namespace: 'geo', name: 'x' },
    ],
  });
  const lines = (await text()).split('\n');
  for (const line of [
    'millrace_scaler_triggers 2',
    'millrace_scaler_backlog_records{namespace="geo",trigger="a"} 42',
    'millrace_scaler_backlog_records{namespace="geo",trigger="b"} 7',
    'millrace_scaler_polls_total{outcome="answered"} 1',
    'millrace_scaler_polls_total{outcome="unreachable"} 1',
    'millrace_scaler_poll_seconds_count 2',
    'millrace_scaler_kafka_requests_total{api="OffsetFetch"} 1',
    'millrace_scaler_push_streams 1',
    'millrace_scaler_pushes_total 1',
    'millrace_scaler_grpc_requests_total{method="GetMetrics",status="OK"} 1',
    'millrace_scaler_backlog_errors_total{code="MILLRACE_TOPIC_MISSING"} 1',
    'millrace_scaler_backlog_errors_total{code="none"} 1',
    'millrace_scaler_activation_calls_total{known="true"} 1',
    'millrace_scaler_activation_calls_total{known="false"} 1',
  ]) {
    t.ok(lines.includes(line), line);
  }

  events.emit('backlog', 'geo/a', undefined);
  t.notMatch(await text(), /backlog_records\{namespace="geo",trigger="a"\}/, 'unknown is no zero');
  triggers.replace([subscriptionOf('a')]);
  events.emit('backlog', 'geo/b', 9n);
  t.notMatch(await text(), /trigger="b"/, 'a trigger that went leaves no series behind');
});
