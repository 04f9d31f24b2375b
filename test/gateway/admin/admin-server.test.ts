import { Counter, Registry } from 'prom-client';
import t, { type Test } from 'tap';
import { startAdminServer, type AdminOptions } from '../../../gateway/admin/admin-server.ts';
import { localServerOptions, strictServer } from '../../fixtures/access/open-server.ts';

async function start(t: Test, changes: Partial<AdminOptions> = {}) {
  const metrics = new Registry();
  new Counter({ name: 'millrace_test_total', help: 'Test.', registers: [metrics] }).inc(3);
  const server = await startAdminServer({
    host: '127.0.0.1',
    port: 0,
    metrics,
    triggers: () => [],
    isServing: () => true,
    skip: () => Promise.reject(new Error('nobody asked')),
    blocked: () => undefined,
    ...localServerOptions,
    ...changes,
  });
  t.teardown(() => server.close());
  const get = async (path: string, token?: string) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${server.url}${path}`, { headers });
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: await response.text(),
    };
  };
  return { server, get };
}

const trigger = (key: string, state: string, reason = '') => ({
  key,
  state,
  reason,
  ready: state === 'consuming',
});

t.test('alive as long as it answers', async (t) => {
  const { get } = await start(t, { isServing: () => false });
  t.match(await get('/healthz'), { status: 200, body: '{"status":"ok"}' });
});

t.test('ready where every trigger consumes that should', async (t) => {
  let triggers = [trigger('geo/a', 'consuming'), trigger('geo/b', 'suspended', 'spec.suspend is true')];
  let isServing = true;
  const { get } = await start(t, { triggers: () => triggers, isServing: () => isServing });
  t.match(await get('/readyz'), { status: 200, body: '{"status":"ready","waiting":[]}' });
  triggers = [...triggers, trigger('geo/c', 'failing', 'topic "quakes" missing')];
  const { status, body } = await get('/readyz');
  t.equal(status, 503);
  t.strictSame(JSON.parse(body), {
    status: 'waiting',
    waiting: [{ trigger: 'geo/c', state: 'failing', reason: 'topic "quakes" missing' }],
  });
  triggers = [];
  isServing = false;
  t.match(await get('/readyz'), { status: 503, body: '{"status":"not serving","waiting":[]}' });
});

t.test('ready without the triggers that wait for longer than one is patient', async (t) => {
  let isServing = true;
  const triggers = () => [trigger('geo/c', 'failing', 'topic "quakes" missing')];
  const { get } = await start(t, { triggers, isServing: () => isServing });
  t.match(await get('/readyz?patience=PT60S'), { status: 503 });
  t.match(await get('/readyz?patience=soon'), { status: 503 }, 'no duration: for ever');
  t.match(await get('/readyz?patience=PT0S'), { status: 200, body: /"status":"ready","waiting":\[{/ });
  isServing = false;
  t.match(await get('/readyz?patience=PT0S'), { status: 503, body: /not serving/ });
});

t.test('metrics, as Prometheus reads them', async (t) => {
  const { get } = await start(t);
  t.match(await get('/metrics'), {
    status: 200,
    type: /^text\/plain; version=0\.0\.4/,
    body: /^millrace_test_total 3$/m,
  });
});

t.test('what runs', async (t) => {
  const { get } = await start(t, { triggers: () => [trigger('geo/a', 'consuming')] });
  t.strictSame(JSON.parse((await get('/v1/triggers')).body), { triggers: [trigger('geo/a', 'consuming')] });
});

t.test('each sees what is theirs to see', async (t) => {
  const { options } = strictServer({ geo: ['view geo'], all: ['view'], prometheus: ['scrape'], nobody: [] });
  const triggers = () => [
    trigger('geo/a', 'consuming'),
    trigger('shop/b', 'failing', 'topic "orders" missing'),
  ];
  const { get } = await start(t, { ...options, triggers });
  const keysSeenBy = async (token: string) => {
    const { triggers } = JSON.parse((await get('/v1/triggers', token)).body) as {
      triggers: { key: string }[];
    };
    return triggers.map(({ key }) => key);
  };
  t.strictSame(await keysSeenBy('all'), ['geo/a', 'shop/b']);
  t.strictSame(await keysSeenBy('geo'), ['geo/a']);
  t.strictSame(await keysSeenBy('nobody'), []);
  t.match(await get('/v1/triggers'), { status: 401 });

  const waitingSeenBy = async (token?: string) => JSON.parse((await get('/readyz', token)).body) as object;
  t.strictSame(
    await waitingSeenBy(),
    { status: 'waiting', waiting: 1 },
    'kubelet learns how many, and no names',
  );
  t.strictSame(await waitingSeenBy('geo'), { status: 'waiting', waiting: [] });
  t.match(await waitingSeenBy('all'), { waiting: [{ trigger: 'shop/b' }] });

  t.match(await get('/metrics'), { status: 401 });
  t.match(await get('/metrics', 'all'), { status: 403 });
  t.match(await get('/metrics', 'prometheus'), { status: 200 });
  const { get: getOpen } = await start(t, { ...options, metricsAccess: 'anybody' });
  t.match(await getOpen('/metrics'), { status: 200 });
  t.match(await getOpen('/v1/triggers'), { status: 401 });
});

t.test('a port that is taken is refused', async (t) => {
  const { server } = await start(t);
  await t.rejects(start(t, { port: Number(new URL(server.url).port) }), { code: 'EADDRINUSE' });
});
