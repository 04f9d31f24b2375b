// Watches and requests of an API server in trouble: it must not be asked for more than before. A real one is watched in
// test/kubernetes/watch.test.ts.
import t, { type Test } from 'tap';
import type { MillraceError } from '../../../core/contract/errors.ts';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import { createKubernetesClient } from '../../../core/kubernetes/api-client.ts';
import { RequestLimiter } from '../../../core/kubernetes/request-limiter.ts';
import { leaseKind } from '../../../core/resources/kinds.ts';
import {
  startHostileApiServer,
  type Answer,
  type HostileApiServer,
} from '../../fixtures/kubernetes/hostile-api-server.ts';
import { configMapKind } from '../../fixtures/kubernetes/kubernetes-conformance.ts';
import { until } from '../../scaler/fixtures/until.ts';

const configMap = (name: string, resourceVersion: string): Resource => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'geo', resourceVersion },
});
const listed = (resourceVersion: string, ...names: string[]): Answer => ({
  body: { metadata: { resourceVersion }, items: names.map((name) => configMap(name, resourceVersion)) },
});
const errorEvent = (code: number, reason: string) => ({
  type: 'ERROR',
  object: { kind: 'Status', code, reason, message: reason },
});

function clientOf({ connection }: HostileApiServer) {
  const troubles: MillraceError[] = [];
  return {
    troubles,
    client: createKubernetesClient({ connection, onTrouble: (error) => troubles.push(error) }),
  };
}

/** A watch that has listed once, and is then answered by `answer`. */
async function watchAt(t: Test, api: HostileApiServer, answer: HostileApiServer['answer']) {
  const { client, troubles } = clientOf(api);
  api.answer = (kind, query) => (kind === 'list' ? listed('5', 'a') : answer(kind, query));
  let state = '';
  const known = new Set<string>();
  const stop = await client.watch(configMapKind, {}, (changes) => {
    for (const { before, after } of changes) {
      if (before !== undefined) known.delete(before.metadata.name);
      if (after !== undefined) known.add(after.metadata.name);
    }
    state = [...known].toSorted().join();
  });
  t.teardown(stop);
  return { troubles, state: () => state };
}

const counts = ({ asked }: HostileApiServer, kind: string) => asked.filter((one) => one === kind).length;

const troubles: [name: string, Answer][] = [
  ...[401, 403, 404, 429, 500, 503].map((status): [string, Answer] => [`an answer ${status}`, { status }]),
  ['an ERROR event 500', { events: [errorEvent(500, 'InternalError')] }],
  ['an ERROR event 504', { events: [errorEvent(504, 'Timeout')] }],
  ['a stream that ends at once', {}],
  ['a stream that ends after an event', { events: [{ type: 'BOOKMARK', object: configMap('', '6') }] }],
  ['a line that is no JSON', { body: 'x', events: [] }],
];

for (const [name, answer] of troubles)
  t.test(`${name} never makes a watch list again, and each try waits longer`, async (t) => {
    const api = await startHostileApiServer(t);
    const times: number[] = [];
    await watchAt(t, api, () => {
      times.push(performance.now());
      return answer;
    });
    await until(() => times.length === 4);
    t.equal(counts(api, 'list'), 1);
    // Half of 200, 400 and 800 ms at least.
    t.ok(times[3]! - times[0]! >= 690, `4 tries within ${times[3]! - times[0]!} ms`);
    t.ok(['5', '6'].includes(api.queries.at(-1)?.get('resourceVersion') ?? ''));
  });

const expiries: [name: string, Answer][] = [
  ['an answer 410', { status: 410 }],
  ['an ERROR event 410', { events: [errorEvent(410, 'Expired')] }],
  [
    'a version that is too large',
    {
      status: 504,
      body: {
        kind: 'Status',
        reason: 'Timeout',
        details: { causes: [{ reason: 'ResourceVersionTooLarge' }] },
      },
    },
  ],
];

for (const [name, answer] of expiries)
  t.test(`${name} makes a watch list again, later each time`, async (t) => {
    const api = await startHostileApiServer(t);
    const startMs = performance.now();
    const { state } = await watchAt(t, api, () => answer);
    await until(() => counts(api, 'list') === 4);
    t.ok(performance.now() - startMs >= 690);
    t.ok(counts(api, 'watch') <= 4);
    t.equal(state(), 'a');
  });

t.test('a watch waits as long as Retry-After says, in seconds or until a date', async (t) => {
  const api = await startHostileApiServer(t);
  const times: number[] = [];
  const later = () => new Date(Date.now() + 3_000).toUTCString();
  const retryAfter = [() => '2', later];
  const { state, troubles } = await watchAt(t, api, () => {
    const next = retryAfter[times.push(performance.now()) - 1];
    if (next === undefined) return { open: true, events: [{ type: 'ADDED', object: configMap('b', '6') }] };
    return { status: 503, headers: { 'retry-after': next() } };
  });
  await until(() => state() === 'a,b');
  t.ok(times[1]! - times[0]! >= 1_990);
  t.ok(times[2]! - times[1]! >= 1_900, 'a date has no milliseconds');
  t.equal(troubles.length, 1, 'the same cause is told once');
});

t.test('a request that was not processed is sent again within its time', async (t) => {
  const api = await startHostileApiServer(t);
  const { client } = clientOf(api);
  let refusals = 2;
  api.answer = (_kind) => {
    if (refusals-- > 0) return { status: 429, headers: { 'retry-after': '0' } };
    return { body: configMap('a', '1') };
  };
  await client.patch(configMapKind, 'geo', 'a', {});
  t.strictSame(api.asked, ['PATCH', 'PATCH', 'PATCH']);
  t.match(api.counted, [
    { verb: 'patch', plural: 'configmaps', status: 429 },
    { verb: 'patch', plural: 'configmaps', status: 429 },
    { verb: 'patch', plural: 'configmaps', status: 200, seconds: Number },
  ]);

  refusals = Infinity;
  api.answer = () => ({ status: 429, headers: { 'retry-after': '3600' } });
  const error: unknown = await client.get(configMapKind, 'geo', 'a').catch((reason: unknown) => reason);
  t.match(error, { code: 'MILLRACE_KUBERNETES_FAILED', status: 429, retryAfterMs: 3_600_000 });
  t.equal(api.asked.length, 4, 'who asks for an hour is not asked again');

  api.answer = () => ({ status: 503 });
  t.match(await client.patch(configMapKind, 'geo', 'a', {}).catch((reason: unknown) => reason), {
    status: 503,
  });
  t.equal(api.asked.length, 5, 'a write that may have been processed is not repeated');
});

t.test('a list whose pages expire begins again, and keeps nothing of the first try', async (t) => {
  const api = await startHostileApiServer(t);
  const { client } = clientOf(api);
  let pages = 0;
  api.answer = (_kind, query) => {
    pages += 1;
    if (pages === 2) return { status: 410 };
    if (query.get('continue') === 'more') return listed('8', 'c');
    return { body: { metadata: { continue: 'more' }, items: [configMap(pages === 1 ? 'a' : 'b', '8')] } };
  };
  const names = (await client.list(configMapKind)).map(({ metadata }) => metadata.name);
  t.strictSame(names, ['b', 'c']);
  t.equal(pages, 4);
});

t.test('requests wait their turn, but the renewal of a Lease does not', async (t) => {
  const limiter = new RequestLimiter({ eventsPerSecond: 20, burst: 2 });
  const api = await startHostileApiServer(t, limiter);
  const { client } = clientOf(api);
  api.answer = () => ({ body: configMap('a', '1') });
  const startMs = performance.now();
  const ends: string[] = [];
  const reads = Array.from({ length: 6 }, async (_, index) => {
    await client.get(configMapKind, 'geo', 'a');
    ends.push(`read ${index}`);
  });
  await client.get(leaseKind, 'geo', 'scaler').then(() => ends.push('lease'));
  await Promise.all(reads);
  t.ok(performance.now() - startMs >= 190, 'four reads, 20 a second');
  t.ok(ends.indexOf('lease') <= 2, ends.join());
  t.strictSame(ends.slice(-3), ['read 3', 'read 4', 'read 5']);
});

t.test('who waits for their turn can leave', async (t) => {
  const limiter = new RequestLimiter({ eventsPerSecond: 10, burst: 1 });
  await limiter.pass();
  const leaving = new AbortController();
  const left = limiter.pass(leaving.signal);
  const stays = limiter.pass();
  leaving.abort(new Error('enough'));
  await t.rejects(left, { message: 'enough' });
  await stays;
  await t.rejects(limiter.pass(leaving.signal), { message: 'enough' });
});
