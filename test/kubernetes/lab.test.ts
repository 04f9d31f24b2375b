// The lab itself: a real API server and its controllers, and what remains when its process dies.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { createNamespace, useApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { removeLeftovers } from '../lab/leftovers.ts';
import { until } from '../scaler/fixtures/until.ts';

t.test('the API server stores what it is given', async (t) => {
  const server = await useApiServer(t);
  const namespace = await createNamespace(t, server);
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept' }, data: { key: 'value' } };
  await server.kubectl(['apply', '--server-side', '-n', namespace, '-f', '-'], JSON.stringify(map));
  const path = 'jsonpath={.data.key}';
  t.equal(await server.kubectl(['get', 'configmap', 'kept', '-n', namespace, '-o', path]), 'value');
});

t.test('the garbage collector removes resources without an owner', async (t) => {
  const server = await useApiServer(t);
  const namespace = await createNamespace(t, server);
  const place = ['-n', namespace];
  await server.kubectl(['create', 'deployment', 'web', '--image=none', ...place]);
  await until(async () => (await server.kubectl(['get', 'replicasets', ...place, '-o', 'name'])) !== '');
  await server.kubectl(['delete', 'deployment', 'web', ...place]);
  await until(async () => (await server.kubectl(['get', 'replicasets', ...place, '-o', 'name'])) === '');
  t.pass();
});

t.test('the lab ends with its process, however that ends', async (t) => {
  const modulePath = fileURLToPath(new URL('../lab/control-plane.ts', import.meta.url));
  const script = `
    const { startControlPlane } = await import(${JSON.stringify(modulePath)});
    const { dir } = await startControlPlane();
    console.log(dir);
    setInterval(() => {}, 60_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [dir] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  t.ok(existsSync(dir));
  child.kill('SIGKILL');
  await once(child, 'exit');
  // Each process of the lab has the folder in its arguments.
  await until(async () => !(await runs(dir)));
  await removeLeftovers();
  t.notOk(existsSync(dir));
});

async function runs(words: string): Promise<boolean> {
  const list = spawn('ps', ['-eo', 'args'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  list.stdout.on('data', (text: Buffer) => (output += text.toString()));
  await once(list, 'close');
  return output.includes(words);
}
