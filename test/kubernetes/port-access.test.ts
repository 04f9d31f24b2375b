// The ports of gateway and scaler as the chart sets them up, over TLS. A real API server authenticates callers, and the Roles of the chart
// authorize them.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Agent, request } from 'undici';
import { runCli } from '../cli/fixtures/run-cli.ts';
import { startFunction } from '../fixtures/function-server.ts';
import { createTopic, produce, uniqueName, useKafka } from '../fixtures/kafka/kafka.ts';
import { createNamespace, useApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { until } from '../scaler/fixtures/until.ts';
import { applyCrds, applyKedaCrds, install } from './fixtures/installation.ts';

t.setTimeout(240_000);
const server = await useApiServer(t);
const { kubectl } = server;
await applyCrds(server);
await applyKedaCrds(server);
const bootstrapServers = await useKafka(t);
const [geo, shop] = [await createNamespace(t, server), await createNamespace(t, server)];
const settings = ['rbac.aggregate=true', 'metrics.podMonitor.enabled=true'];
const installation = await install(t, {
  server,
  bootstrapServers,
  functionUris: 'unguarded',
  values: settings.flatMap((setting) => ['--set', setting]),
});
const { namespace: own, files } = installation;
const tokenPath = join(t.testdirName, 'gateway.token');
await writeFile(tokenPath, await tokenOf(own, 'millrace-gateway'));
const gateway = await installation.startGateway(t, {
  MILLRACE_ADMIN_TLS_CERT: files.cert,
  MILLRACE_ADMIN_TLS_KEY: files.key,
  SCALER_URLS: installation.scalerUrl(),
  SCALER_CA: files.ca,
  SCALER_TOKEN_FILE: tokenPath,
});
const gatewayUrl = gateway.adminUrl.replace('127.0.0.1', 'localhost');
const dispatcher = new Agent({ connect: { ca: await readFile(files.ca) } });
t.teardown(() => dispatcher.close());

/** One account that may view `geo`, one that may also operate it, and one without rights. */
for (const name of ['viewer', 'operator', 'stranger'])
  await kubectl(['create', 'serviceaccount', name, '-n', geo]);
await bind('viewer', 'view');
await bind('operator', 'view');
await bind('operator', 'edit');
const [viewer, operator, stranger] = [
  await tokenOf(geo, 'viewer'),
  await tokenOf(geo, 'operator'),
  await tokenOf(geo, 'stranger'),
];
const prometheus = await tokenOf(own, 'millrace-metrics');

async function tokenOf(namespace: string, account: string, audience = 'millrace'): Promise<string> {
  return (await kubectl(['create', 'token', account, '-n', namespace, '--audience', audience])).trim();
}

/** Binds an account to a ClusterRole of the chart, in `geo` only. */
function bind(account: string, role: 'view' | 'edit'): Promise<string> {
  const subject = [
    '--clusterrole',
    `millrace:${own}:millrace-${role}`,
    '--serviceaccount',
    `${geo}:${account}`,
  ];
  return kubectl(['create', 'rolebinding', `${account}-${role}`, '-n', geo, ...subject]);
}

async function get(url: string, token?: string): Promise<{ status: number; text: string }> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { statusCode, body } = await request(url, { headers, dispatcher });
  return { status: statusCode, text: await body.text() };
}

async function applyTrigger(namespace: string, name: string, topic: string, fn: object): Promise<void> {
  const source = { topics: [topic], consumerGroup: uniqueName(name), initialOffset: 'earliest' };
  const trigger = {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Trigger',
    metadata: { name, namespace },
    spec: { source, function: fn, delivery: { ordering: 'partition' } },
  };
  await kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(trigger));
}

t.test('only the account of the gateway may wake a sleeping function', async (t) => {
  const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
  await applyTrigger(shop, 'asleep', topic, { ref: { name: 'nowhere' } });
  await produce(bootstrapServers, topic, [{ value: '1' }]);
  await until(async () => {
    const { text } = await get(`${installation.scalerUrl()}/metrics`, prometheus);
    return /^millrace_scaler_activation_calls_total\{known="true"\} [1-9]/m.test(text);
  }, 60_000);
  const wake = async (token: string) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const body = JSON.stringify({ triggers: [{ namespace: shop, name: 'asleep' }] });
    const url = `${installation.scalerUrl()}/v1/activations`;
    return (await request(url, { method: 'POST', headers, body, dispatcher })).statusCode;
  };
  t.equal(await wake(await tokenOf(own, 'millrace-gateway')), 204);
  for (const token of [operator, prometheus]) t.equal(await wake(token), 403);
  t.equal(await wake(await tokenOf(own, 'millrace-gateway', 'another')), 401, 'a token for another audience');
});

t.test('the account of the PodMonitors reads metrics, and every caller reads health', async (t) => {
  for (const url of [gatewayUrl, installation.scalerUrl()]) {
    t.match(await get(`${url}/metrics`, prometheus), { status: 200, text: /^millrace_/m });
    t.equal((await get(`${url}/metrics`, viewer)).status, 403);
    t.equal((await get(`${url}/metrics`)).status, 401);
    t.equal((await get(`${url}/healthz`)).status, 200);
    t.notMatch((await get(`${url}/readyz`)).text, 'asleep', 'health shows no names of triggers');
  }
  t.equal(
    (await get(`${gatewayUrl}/v1/triggers`, prometheus)).text,
    '{"triggers":[]}',
    'that account sees no trigger',
  );
});

t.test('a viewer of a namespace sees its triggers, and an editor may skip its records', async (t) => {
  const fn = await startFunction(t, 400);
  const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
  await applyTrigger(geo, 'alerts', topic, { uri: fn.origin });
  await produce(bootstrapServers, topic, [{ value: 'broken' }, { value: 'sound' }]);
  const blockedUrl = `${gatewayUrl}/v1/triggers/${geo}/alerts/blocked`;
  await until(async () => (await get(blockedUrl, viewer)).text.includes('"offset":"0"'), 60_000);

  const seenBy = async (token: string) =>
    (JSON.parse((await get(`${gatewayUrl}/v1/triggers`, token)).text) as { triggers: { key: string }[] })
      .triggers;
  t.match(await seenBy(viewer), [{ key: `${geo}/alerts` }]);
  t.equal((await seenBy(viewer)).length, 1, 'nothing of other namespaces');
  t.strictSame(await seenBy(stranger), []);
  t.equal((await get(blockedUrl, stranger)).status, 403);
  t.equal((await get(blockedUrl)).status, 401);

  const skip = (token: string) => {
    const place = ['--partition', '0', '--offset', '0', '--reason', 'broken', '--gateway', gatewayUrl];
    const env = { MILLRACE_ADMIN_TOKEN: token };
    return runCli(t, ['skip', `${geo}/alerts`, ...place, '--ca', files.ca], { env });
  };
  t.match(await skip(viewer), { code: 1, stdout: '', stderr: /viewer has no right to operate in namespace/ });
  fn.answer(204);
  const { code, stdout, stderr } = await skip(operator);
  t.equal(code, 0, stderr);
  t.match(JSON.parse(stdout), {
    settlement: 'skipped',
    record: { value: Buffer.from('broken').toString('base64') },
  });
  await until(() => fn.calls.some(({ body }) => body.toString() === 'sound'), 30_000);
});
