import t from 'tap';
import type { Test } from 'tap';
import { FunctionReplicas } from '../../../cli/runtime/function-replicas.ts';
import { until } from './fixtures/until.ts';

const directory = `${import.meta.dirname}/fixtures`;

interface Watched {
  replicas: FunctionReplicas;
  /** Every change of the ready endpoints, as their number. */
  readyCounts: number[];
  lines: string[];
  troubles: string[];
}

function replicasOf(t: Test, ways: string, inFlight = (): number => 0): Watched {
  const readyCounts: number[] = [];
  const lines: string[] = [];
  const troubles: string[] = [];
  const replicas = new FunctionReplicas({
    command: `"${process.execPath}" server.js ${ways}`,
    directory,
    env: { MILLRACE_TRIGGER: 'geo/test' },
    inFlight,
    drainLimitMs: 60_000,
    onReady: (ready) => readyCounts.push(ready.length),
    onLine: (replica, line) => lines.push(`${replica}: ${line}`),
    onTrouble: (replica, message) => troubles.push(`${replica}: ${message}`),
  });
  t.teardown(() => replicas.stop());
  return { replicas, readyCounts, lines, troubles };
}

t.test('as many as asked for, up and down', async (t) => {
  const { replicas, readyCounts } = replicasOf(t, '');
  replicas.scaleTo(3);
  t.equal(replicas.desired, 3);
  t.equal(replicas.ready.length, 0, 'not ready yet');
  await until(() => replicas.ready.length === 3);
  t.strictSame(readyCounts, [1, 2, 3]);
  t.equal(new Set(replicas.ready.map(({ origin }) => origin)).size, 3);
  replicas.scaleTo(1);
  t.equal(replicas.ready.length, 1, 'the endpoints are gone at once');
  await until(() => replicas.alive === 1);
  replicas.scaleTo(0);
  t.equal(replicas.ready.length, 0);
  await until(() => replicas.alive === 0);
});

t.test('a replica finishes what it has in flight before it is asked to stop', async (t) => {
  let inFlight = 1;
  const { replicas, lines } = replicasOf(t, 'polite', () => inFlight);
  replicas.scaleTo(1);
  await until(() => replicas.ready.length === 1);
  const [endpoint] = replicas.ready;
  replicas.scaleTo(0);
  t.strictSame(replicas.ready, [], 'its endpoint is gone');
  t.equal(await (await fetch(String(endpoint?.origin))).text(), 'geo/test', 'yet it still answers');
  t.notOk(lines.includes('0: SIGTERM received'));
  inFlight = 0;
  await until(() => lines.includes('0: SIGTERM received'));
});

t.test('a crash takes the endpoint away, and the replica comes back', async (t) => {
  const { replicas, readyCounts, troubles } = replicasOf(t, '');
  replicas.scaleTo(1);
  await until(() => replicas.ready.length === 1);
  await fetch(`${replicas.ready[0]?.origin}/crash`).catch(() => undefined);
  await until(() => readyCounts.length === 3);
  t.strictSame(readyCounts, [1, 0, 1]);
  t.match(troubles, ['0: exited with code 3; starting again in 0.5 s']);
});

t.test('a command that cannot run is started again, more and more slowly', async (t) => {
  const { replicas, troubles } = replicasOf(t, 'broken');
  replicas.scaleTo(1);
  await until(() => troubles.length === 3);
  t.match(troubles[0], /exited with code 1 before it accepted connections .*; starting again in 0.5 s/);
  t.match(troubles[2], /starting again in 2 s/);
  await replicas.stop();
  t.equal(replicas.alive, 0);
});

t.test('a replica that is still starting can leave', async (t) => {
  const { replicas } = replicasOf(t, 'never');
  replicas.scaleTo(2);
  await replicas.stop();
  t.equal(replicas.alive, 0);
});

t.test('those that are not ready leave first', async (t) => {
  const { replicas } = replicasOf(t, '');
  replicas.scaleTo(1);
  await until(() => replicas.ready.length === 1);
  const [first] = replicas.ready;
  replicas.scaleTo(4);
  replicas.scaleTo(1);
  t.strictSame(replicas.ready, [first]);
});
