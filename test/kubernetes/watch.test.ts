// Watches of a real API server that goes down, forgets versions, falls silent or denies access. Afterwards they deliver the complete, current
// state.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import type { MillraceError } from '../../core/contract/errors.ts';
import { createKubernetesClient } from '../../core/kubernetes/api-client.ts';
import { openConnection } from '../../core/kubernetes/api-connection.ts';
import { ResourceMap } from '../../core/kubernetes/informers/resource-map.ts';
import { configMapKind } from '../fixtures/kubernetes/kubernetes-conformance.ts';
import {
  apiServer,
  createNamespace,
  useApiServer,
  type ApiServer,
} from '../fixtures/kubernetes/kubernetes.ts';
import { openTcpProxy } from '../fixtures/kafka/tcp-proxy.ts';
import { startControlPlane } from '../lab/control-plane.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(240_000);
const server = await useApiServer(t);

type Kubeconfig = { clusters: [{ cluster: { server: string } }]; users: [{ user: Record<string, unknown> }] };

/** A copy of the kubeconfig `path` with a change. */
async function changed(t: Test, path: string, change: (config: Kubeconfig) => void): Promise<string> {
  const config = parse(await readFile(path, 'utf8')) as Kubeconfig;
  change(config);
  const file = join(t.testdir(), 'kubeconfig');
  await writeFile(file, JSON.stringify(config));
  return file;
}

async function connect(t: Test, kubeconfig: string, watchSeconds?: number) {
  const troubles: MillraceError[] = [];
  const recoveries: string[] = [];
  const connection = await openConnection({ kubeconfig });
  t.teardown(() => connection.close());
  const client = createKubernetesClient({
    connection,
    watchSeconds,
    onTrouble: (error) => troubles.push(error),
    onRecovery: (what) => recoveries.push(what),
  });
  return { client, troubles, recoveries };
}

/** A watch of config maps through a proxy, with writers that bypass it. */
async function watchThroughProxy(t: Test, { kubeconfig, kubectl }: ApiServer, watchSeconds?: number) {
  const namespace = await createNamespace(t, { kubeconfig, kubectl });
  const url = new URL((parse(await readFile(kubeconfig, 'utf8')) as Kubeconfig).clusters[0].cluster.server);
  const proxy = await openTcpProxy(t, { targetPort: Number(url.port) });
  const throughProxy = await changed(t, kubeconfig, ({ clusters: [{ cluster }] }) => {
    cluster.server = `https://127.0.0.1:${proxy.port}`;
  });
  const { client: writer } = await connect(t, kubeconfig);
  const { client, ...failures } = await connect(t, throughProxy, watchSeconds);
  let state = '';
  const write = (name: string) =>
    writer.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace, labels: { tested: '' } },
    });
  const remove = (name: string) => writer.remove(configMapKind, namespace, name);
  await write('a');
  const options = { namespaces: [namespace], labelSelector: 'tested' };
  const known = new ResourceMap();
  const stop = await client.watch(configMapKind, options, (changes) => {
    known.apply(changes);
    state = known
      .all()
      .map(({ metadata: { name } }) => name)
      .toSorted()
      .join();
  });
  t.teardown(stop);
  t.equal(state, 'a');
  return { ...failures, proxy, write, remove, client, namespace, state: () => state };
}

t.test('a watch delivers what changed while its connection was cut', async (t) => {
  const { proxy, write, remove, state, troubles, recoveries } = await watchThroughProxy(t, server);
  proxy.cut();
  await write('b');
  await until(() => state() === 'a,b');
  t.strictSame(troubles, [], 'a connection that breaks once is no trouble');

  proxy.refuse();
  proxy.cut();
  await until(() => troubles.length > 0);
  t.match(troubles[0], {
    code: 'MILLRACE_KUBERNETES_UNREACHABLE',
    message: /no answer to watch configmaps in the namespace test-/,
  });
  await remove('a');
  await write('c');
  t.equal(state(), 'a,b', 'the known state stays');
  await proxy.accept();
  await until(() => state() === 'b,c');
  await until(() => recoveries.length === 1);
  t.strictSame(recoveries, ['configmaps']);
  t.equal(troubles.length, 1, 'reported once, however often it retries');
});

t.test('a watch that has silently died is restarted', async (t) => {
  const { proxy, write, state } = await watchThroughProxy(t, server, 1);
  // Nothing arrives any more, without an error.
  const open = proxy.size;
  proxy.stall('down');
  await write('b');
  await until(() => proxy.size !== open, 60_000);
  t.equal(state(), 'a');
  proxy.pass();
  await until(() => state() === 'a,b', 60_000);
});

t.test('a watch lists again when the restarted API server does not know its version', async (t) => {
  const plane = await startControlPlane();
  t.teardown(() => plane.stop());
  const own = apiServer(plane.kubeconfig);
  const { proxy, write, remove, state } = await watchThroughProxy(t, own);
  proxy.refuse();
  proxy.cut();
  await remove('a');
  for (const name of ['b', 'c']) await write(name);
  await plane.stopApiServer();
  await plane.startApiServer();
  await proxy.accept();
  await until(() => state() === 'b,c', 60_000);
  await until(() => write('d').then(() => true), 30_000);
  await until(() => state() === 'b,c,d');
});

t.test('a watch names a missing right until it is granted', async (t) => {
  const namespace = await createNamespace(t, server);
  const asStranger = await changed(t, server.kubeconfig, ({ users: [{ user }] }) => {
    user.as = 'stranger';
  });
  const { client, troubles, recoveries } = await connect(t, asStranger);
  let state: number | undefined;
  const watching = client.watch(configMapKind, { namespaces: [namespace] }, (changes) => {
    state = changes.length;
  });
  await until(() => troubles.length > 0);
  t.match(troubles[0], {
    code: 'MILLRACE_KUBERNETES_FORBIDDEN',
    message: `the right to list configmaps in the namespace ${namespace} is missing`,
  });
  const here = ['-n', namespace];
  await server.kubectl([
    'create',
    'role',
    'reader',
    '--verb=get,list,watch',
    '--resource=configmaps',
    ...here,
  ]);
  await server.kubectl(['create', 'rolebinding', 'reader', '--role=reader', '--user=stranger', ...here]);
  const stop = await watching;
  t.type(state, 'number');
  t.equal(troubles.length, 1);
  t.strictSame(recoveries, ['configmaps']);
  stop();

  const everywhere = await client.list(configMapKind).catch((error: unknown) => error);
  t.match(everywhere, {
    code: 'MILLRACE_KUBERNETES_FORBIDDEN',
    message: /the right to list configmaps in all namespaces is missing/,
  });
});

t.test('a watch can be aborted while its first list waits for the API server', async (t) => {
  const nowhere = await changed(t, server.kubeconfig, ({ clusters: [{ cluster }] }) => {
    cluster.server = 'https://127.0.0.1:1';
  });
  const { client, troubles } = await connect(t, nowhere);
  const ending = new AbortController();
  const watching = client.watch(configMapKind, { signal: ending.signal }, () =>
    t.fail('no change is delivered'),
  );
  const rejected = t.rejects(watching, { message: 'enough' });
  await until(() => troubles.length > 0);
  t.match(troubles[0], { code: 'MILLRACE_KUBERNETES_UNREACHABLE' });
  ending.abort(new Error('enough'));
  await rejected;
  await t.rejects(client.get(configMapKind, 'default', 'none'), { code: 'MILLRACE_KUBERNETES_UNREACHABLE' });
});

t.test('a list of several pages is delivered complete', async (t) => {
  const { client, write, namespace, state } = await watchThroughProxy(t, server);
  const names = Array.from({ length: 520 }, (_, index) => `many-${index}`);
  for (let at = 0; at < names.length; at += 40) await Promise.all(names.slice(at, at + 40).map(write));
  const listed = await client.list(configMapKind, { namespaces: [namespace], labelSelector: 'tested' });
  t.equal(new Set(listed.map(({ metadata: { name } }) => name)).size, names.length + 1);
  await until(() => state().split(',').length === names.length + 1);
});

t.test('an invalid kubeconfig, or one without an API server, is refused', async (t) => {
  const without = await changed(t, server.kubeconfig, (config) => {
    (config as { clusters: unknown[] }).clusters = [];
  });
  const missing = join(t.testdir(), 'missing');
  for (const kubeconfig of [without, missing]) {
    await t.rejects(openConnection({ kubeconfig }), { code: 'MILLRACE_CONFIG_INVALID' });
  }
});
