import assert from 'node:assert/strict';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { FunctionSettings } from '../../../core/contract/subscription.ts';
import { startAttempt, type AttemptResult } from '../../../gateway/delivery/attempt.ts';
import { createConnectGuard, type ConnectGuard } from '../../../core/network/connect-guard.ts';
import { Endpoints } from '../../../gateway/delivery/endpoints.ts';
import type { PooledEndpoint } from '../../../gateway/delivery/pooled-endpoint.ts';
import { startFunction } from '../../fixtures/function-server.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { noFaults } from '../../fixtures/no-faults.ts';

t.setTimeout(60_000);

const [one, two, three] = ['http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3'];

const why = { reason: 'ECONNREFUSED' };

function open(
  t: Test,
  concurrency: FunctionSettings['concurrency'],
  origins: readonly string[],
  guard?: ConnectGuard,
) {
  const readyCounts: number[] = [];
  const calls = { available: 0 };
  const circuits: string[] = [];
  const unreachable: string[] = [];
  const endpoints = new Endpoints({
    boundary: noFaults(),
    concurrency,
    retryAfterMaxMs: 300_000,
    onAvailable: () => (calls.available += 1),
    onReadyCount: (ready) => readyCounts.push(ready),
    guard,
    onUnreachable: (origin, { reason }) => unreachable.push(`${origin} ${reason}`),
    onCircuit: (origin, change) => circuits.push(`${change} ${origin}`),
  });
  t.teardown(() => endpoints.close());
  endpoints.update(origins.map((origin) => ({ origin })));
  return { endpoints, readyCounts, calls, circuits, unreachable };
}

function send(gate: PooledEndpoint): Promise<AttemptResult> {
  const request = { path: '/', headers: [], body: null, timeoutMs: 20_000, maxAnswerBytes: 100 };
  return new Promise((resolve) => startAttempt(gate.connections, request, resolve));
}

/** How many sockets and servers, or timers, keep the process alive. */
const handles = (kind: 'TCP' | 'Timeout') =>
  process.getActiveResourcesInfo().filter((name) => name.startsWith(kind)).length;

t.test('the least busy one is next, and none gets more than its share', async (t) => {
  const anyStep = fc.oneof(fc.constant('pick' as const), fc.record({ release: fc.nat() }));
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.array(anyStep, { maxLength: 40 }),
      (concurrency, steps) => {
        const { endpoints } = open(t, concurrency, [one, two, three]);
        const busy = new Map<string, number>([one, two, three].map((origin) => [origin, 0]));
        const taken: PooledEndpoint[] = [];
        for (const step of steps) {
          const least = Math.min(...busy.values());
          if (step === 'pick') {
            const gate = endpoints.pick();
            assert.equal(gate === undefined, least === concurrency, 'there is one as long as there is room');
            if (gate === undefined) continue;
            assert.equal(busy.get(gate.origin), least);
            busy.set(gate.origin, least + 1);
            taken.push(gate);
          } else if (taken.length > 0) {
            const [gate] = taken.splice(step.release % taken.length, 1);
            endpoints.release(gate!);
            busy.set(gate!.origin, busy.get(gate!.origin)! - 1);
          }
        }
      },
    ),
    { numRuns: 50 },
  );
});

t.test('idle ones take turns', async (t) => {
  const { endpoints } = open(t, 4, [one, two, three]);
  const picked = new Set<string>();
  for (let turn = 0; turn < 3; turn += 1) {
    const gate = endpoints.pick()!;
    picked.add(gate.origin);
    endpoints.release(gate);
  }
  t.equal(picked.size, 3);
});

t.test('it reports how many are ready whenever that changes, and when one may be available', async (t) => {
  const { endpoints, readyCounts, calls } = open(t, 1, []);
  t.equal(endpoints.readyCount, 0);
  t.equal(endpoints.pick(), undefined);
  t.equal(calls.available, 0);
  endpoints.update([{ origin: one }]);
  endpoints.update([{ origin: one }, { origin: two }, { origin: two }]);
  endpoints.update([{ origin: two }, { origin: three }]);
  endpoints.update([]);
  t.strictSame(readyCounts, [1, 2, 0]);
  t.equal(calls.available, 3);
});

t.test('one that refuses connections gets no requests, and comes back by itself', async (t) => {
  const fn = await startFunction(t);
  await fn.stop();
  const { endpoints, readyCounts, calls, unreachable } = open(t, 4, [fn.origin]);
  const [gate, again] = [endpoints.pick()!, endpoints.pick()!];
  t.match(await send(gate), { kind: 'unreachable' });
  for (const refused of [gate, again]) {
    endpoints.release(refused);
    endpoints.refused(refused, why);
  }
  t.equal(endpoints.pick(), undefined);
  t.strictSame(readyCounts, [1, 0], 'two refusals count once');
  t.strictSame(unreachable, [`${fn.origin} ECONNREFUSED`]);
  await fn.start();
  await until(() => endpoints.readyCount === 1);
  t.strictSame(readyCounts, [1, 0, 1]);
  t.equal(calls.available, 2);
  t.match(await send(endpoints.pick()!), { kind: 'answered', status: 204 });
});

t.test('the others go on meanwhile', async (t) => {
  const fn = await startFunction(t);
  const { endpoints, readyCounts } = open(t, 1, [one, fn.origin]);
  const gates = [endpoints.pick()!, endpoints.pick()!];
  for (const gate of gates) endpoints.release(gate);
  endpoints.refused(
    gates.find(({ origin }) => origin === one)!,
    why,
  );
  t.equal(endpoints.pick()?.origin, fn.origin);
  t.equal(endpoints.pick(), undefined);
  t.strictSame(readyCounts, [2, 1]);
});

t.test('one that is gone gets nothing new, and finishes what it has', async (t) => {
  const answer = Promise.withResolvers<number>();
  const fn = await startFunction(t, () => answer.promise);
  const { endpoints } = open(t, 4, [fn.origin]);
  const gate = endpoints.pick()!;
  const sent = send(gate);
  await until(() => fn.calls.length === 1);
  endpoints.update([]);
  t.equal(endpoints.pick(), undefined);
  endpoints.update([{ origin: fn.origin }]);
  t.not(endpoints.pick(), gate, 'one that comes back is a new one');
  answer.resolve(200);
  t.match(await sent, { kind: 'answered', status: 200 });
  endpoints.release(gate);
  await until(async () => (await fn.connections()) === 0);
});

t.test('one that is gone is not probed any more', async (t) => {
  const { endpoints, readyCounts, calls } = open(t, 1, [one]);
  const gate = endpoints.pick()!;
  endpoints.release(gate);
  const before = handles('Timeout');
  endpoints.refused(gate, why);
  t.equal(handles('Timeout'), before + 1);
  endpoints.update([]);
  t.equal(handles('Timeout'), before);
  endpoints.refused(gate, why);
  t.equal(handles('Timeout'), before, 'not even where a request that was late is refused');
  t.strictSame(readyCounts, [1, 0]);
  t.equal(calls.available, 1);
});

const failed: AttemptResult = { kind: 'failed', reason: 'ECONNRESET' };
const answered = (status: number, headers: Record<string, string> = {}): AttemptResult => ({
  kind: 'answered',
  status,
  headers,
  body: undefined,
});

/** `count` requests to the endpoint at `origin` end in `result`, one after the other. */
function end(endpoints: Endpoints, origin: string, result: AttemptResult, count = 1): void {
  for (let ended = 0; ended < count; ended += 1) {
    const [gate, others] = take(endpoints, origin);
    for (const other of others) endpoints.release(other);
    assert.ok(gate);
    endpoints.release(gate);
    endpoints.learn(gate, result, 0, 1);
  }
}

/** Picks until it gets the endpoint at `origin`. */
function take(endpoints: Endpoints, origin: string): [PooledEndpoint | undefined, PooledEndpoint[]] {
  const others: PooledEndpoint[] = [];
  for (;;) {
    const gate = endpoints.pick();
    if (gate === undefined || gate.origin === origin) return [gate, others];
    others.push(gate);
  }
}

t.test('one that keeps failing gets no requests while the others go on, and is tried again', async (t) => {
  const { endpoints, circuits, readyCounts } = open(t, 2, [one, two]);
  end(endpoints, one, failed, 4);
  t.equal(endpoints.openCircuits, 0);
  end(endpoints, one, answered(503));
  t.strictSame(circuits, [`opened ${one}`]);
  t.equal(endpoints.openCircuits, 1);
  t.strictSame(readyCounts, [2], 'it is still ready');
  const gates = [endpoints.pick(), endpoints.pick(), endpoints.pick()];
  t.strictSame(
    gates.map((gate) => gate?.origin),
    [two, two, undefined],
  );
  const trial = await until(() => endpoints.pick());
  t.equal(trial.origin, one);
  t.equal(endpoints.pick(), undefined, 'one request tries it');
  endpoints.release(trial);
  endpoints.learn(trial, answered(500), 0, 1);
  t.strictSame(circuits, [`opened ${one}`, `closed ${one}`]);
  t.equal(endpoints.pick()?.origin, one);
});

t.test('one that may be tried again is first, whatever room the others have', async (t) => {
  const { endpoints } = open(t, 2, [one, two]);
  end(endpoints, one, failed, 5);
  await until(() => {
    const gate = endpoints.pick()!;
    endpoints.release(gate);
    return gate.origin === one;
  });
});

t.test('with all circuits open, it reports when the first may be tried', async (t) => {
  const { endpoints, calls, circuits } = open(t, 30, [one, two]);
  end(endpoints, one, failed, 5);
  end(endpoints, two, failed, 19);
  t.equal(circuits.length, 1, 'the last one has more patience');
  end(endpoints, two, failed);
  t.equal(endpoints.openCircuits, 2);
  const before = calls.available;
  for (let look = 0; look < 3; look += 1) t.equal(endpoints.pick(), undefined);
  await until(() => calls.available > before);
  t.equal(calls.available, before + 1);
  t.ok(endpoints.pick());
});

t.test('one that failed a moment ago, or asked for time, comes last among those with room', async (t) => {
  for (const result of [failed, answered(503), answered(429, { 'retry-after': '20' })]) {
    const { endpoints } = open(t, 2, [one, two]);
    end(endpoints, one, result);
    const origins = Array.from({ length: 5 }, () => endpoints.pick()?.origin);
    t.strictSame(origins, [two, two, one, one, undefined]);
  }
  for (const result of [answered(500), answered(429), answered(429, { 'retry-after': 'soon' })]) {
    const { endpoints } = open(t, 2, [one, two]);
    end(endpoints, one, result);
    const origins = new Set([endpoints.pick()?.origin, endpoints.pick()?.origin]);
    t.equal(origins.size, 2);
  }
});

t.test('what is learned of an endpoint is its limit', async (t) => {
  const { endpoints } = open(t, { min: 2, max: 5 }, [one, two]);
  t.strictSame(endpoints.limits, [2, 2]);
  for (let round = 0; round < 200; round += 1) {
    const [gate, others] = take(endpoints, one);
    for (const other of others) endpoints.release(other);
    endpoints.release(gate!);
    endpoints.learn(gate!, answered(200), 10, gate!.limit);
  }
  t.strictSame(endpoints.limits.toSorted(), [2, 5]);
  const picked = Array.from({ length: 8 }, () => endpoints.pick()?.origin);
  t.equal(picked.filter((origin) => origin === one).length, 5);
  t.equal(picked.filter((origin) => origin === two).length, 2);
});

t.test('one that is gone is not judged any more', async (t) => {
  const { endpoints, circuits } = open(t, 10, [one]);
  const gates = Array.from({ length: 10 }, () => endpoints.pick()!);
  endpoints.update([]);
  for (let round = 0; round < 3; round += 1) for (const gate of gates) endpoints.learn(gate, failed, 0, 1);
  t.strictSame(circuits, []);
});

t.test('closed, it leaves no socket and no timer behind', async (t) => {
  const before = handles('TCP');
  const [gone, here, away] = [
    await startFunction(t, 'hang'),
    await startFunction(t, 'hang'),
    await startFunction(t),
  ];
  const { endpoints, readyCounts } = open(t, 4, [gone.origin]);
  const sent = [send(endpoints.pick()!)];
  await until(() => gone.calls.length === 1);
  endpoints.update([{ origin: here.origin }, { origin: away.origin }]);
  await away.stop();
  const gates = [endpoints.pick()!, endpoints.pick()!];
  endpoints.refused(
    gates.find(({ origin }) => origin === away.origin)!,
    why,
  );
  const last = gates.find(({ origin }) => origin === here.origin)!;
  sent.push(send(last));
  await until(() => here.calls.length === 1);

  endpoints.close();
  t.match(await Promise.all(sent), [{ kind: 'failed' }, { kind: 'failed' }], 'of the one that is gone, too');
  const timers = handles('Timeout');
  endpoints.refused(last, why);
  for (const gate of gates) endpoints.release(gate);
  t.equal(handles('Timeout'), timers);
  t.equal(endpoints.readyCount, 0);
  t.strictSame(readyCounts, [1, 2, 1]);
  await Promise.all([gone.stop(), here.stop()]);
  await until(() => handles('TCP') <= before);
});

t.test('closed, it does not wait for a circuit any more', async (t) => {
  const { endpoints, calls } = open(t, 30, [one]);
  end(endpoints, one, failed, 20);
  const before = handles('Timeout');
  t.equal(endpoints.pick(), undefined);
  t.equal(handles('Timeout'), before + 1);
  endpoints.close();
  t.ok(handles('Timeout') <= before);
  t.equal(calls.available, 1);
});

t.test('one whose address is refused gets nothing, and is used once its name leads elsewhere', async (t) => {
  const fn = await startFunction(t);
  const { port } = new URL(fn.origin);
  let address = '169.254.169.254';
  const looks: string[] = [];
  const guard = createConnectGuard({
    resolve: (name) => {
      looks.push(name);
      return Promise.resolve([{ address, family: 4 }]);
    },
    apiServerHosts: [],
    createCheck: () => (one) => (one === '127.0.0.1' ? undefined : 'not open'),
  });
  const { endpoints, readyCounts } = open(t, 1, [`http://function.test:${port}`], guard);
  const gate = endpoints.pick()!;
  const result = await send(gate);
  endpoints.release(gate);
  assert.ok(result.kind === 'unreachable');
  t.match(result.reason, /function\.test resolves to 169\.254\.169\.254, which is not open/);
  endpoints.refused(gate, result);
  await until(() => looks.length >= 3);
  t.strictSame(readyCounts, [1, 0], 'asked again, it is still refused');
  address = '127.0.0.1';
  await until(() => endpoints.readyCount === 1);
  t.match(await send(endpoints.pick()!), { kind: 'answered', status: 204 });
});
