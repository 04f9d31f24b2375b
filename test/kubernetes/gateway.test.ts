// A gateway on a real API server and a real Kafka, without a node: triggers name functions by URI.
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { readGatewayConfig } from '../../gateway/config.ts';
import { startGateway, type GatewayDependencies } from '../../gateway/main.ts';
import { startFunction, type FunctionServer } from '../fixtures/function-server.ts';
import { consumeAll, createTopic, ownKafka, produce, uniqueName, useKafka } from '../fixtures/kafka/kafka.ts';
import { apiServer, createNamespace } from '../fixtures/kubernetes/kubernetes.ts';
import { silentLog } from '../fixtures/silent-log.ts';
import { startControlPlane } from '../lab/control-plane.ts';
import { until } from '../scaler/fixtures/until.ts';
import { applyCrds } from './fixtures/installation.ts';

t.setTimeout(300_000);
const plane = await startControlPlane();
t.teardown(() => plane.stop());
const server = apiServer(plane.kubeconfig);
await applyCrds(server);
const bootstrapServers = await useKafka(t);

type Spec = Record<string, unknown>;

/** Functions and brokers of these tests are on loopback, which the guard refuses. So the default here is `unguarded`. */
function environment(namespace: string, functionUris = 'unguarded'): Record<string, string> {
  return {
    MILLRACE_FUNCTION_URIS: functionUris,
    MILLRACE_TENANT_ADDRESSES: 'unguarded',
    KAFKA_BROKERS: bootstrapServers,
    MILLRACE_KUBERNETES: 'true',
    KUBECONFIG: plane.kubeconfig,
    WATCH_NAMESPACES: namespace,
    MILLRACE_ADMIN_PORT: '0',
    LOG_LEVEL: 'silent',
  };
}

async function start(t: Test, functionUris?: string, dependencies: GatewayDependencies = {}) {
  const namespace = await createNamespace(t, server);
  const gateway = await startGateway(readGatewayConfig(environment(namespace, functionUris)), {
    log: silentLog,
    ...dependencies,
  });
  t.teardown(() => gateway.stop());
  const apply = (kind: string, name: string, spec: Spec) =>
    server.kubectl(
      ['apply', '--server-side', '--force-conflicts', '-n', namespace, '-f', '-'],
      JSON.stringify({ apiVersion: 'millrace.dev/v1alpha1', kind, metadata: { name }, spec }),
    );
  const running = (name: string) =>
    until(() =>
      gateway.snapshot().find(({ key, partitions }) => key === `${namespace}/${name}` && partitions > 0),
    );
  return { gateway, namespace, apply, running };
}

const read = (topics: string[], group: string) => ({
  topics,
  consumerGroup: group,
  initialOffset: 'earliest',
});

/** Sends the records `from`…`to`, with their numbers as keys. */
function send(topic: string, from: number, to: number, servers = bootstrapServers): Promise<unknown> {
  const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  return produce(
    servers,
    topic,
    numbers.map((number) => ({ key: `${number}`, value: `{"n":${number}}` })),
  );
}

/** The delivered records in order: `topic:key`. */
function delivered(fn: FunctionServer): string[] {
  return fn.calls.map(
    ({ headers }) => `${String(headers['ce-kafkatopic'])}:${String(headers['ce-subject'])}`,
  );
}

function range(topic: string, from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `${topic}:${from + index}`);
}

t.test('an edit of filters or topics keeps the offsets and disturbs no other trigger', async (t) => {
  const { gateway, namespace, apply, running } = await start(t);
  const [first, second] = [
    await createTopic(t, bootstrapServers, { partitions: 1 }),
    await createTopic(t, bootstrapServers, { partitions: 1 }),
  ];
  const [edited, steady] = [await startFunction(t), await startFunction(t)];
  const group = uniqueName('edited');
  const closed: string[] = [];
  gateway.events.on('closed', ({ name }) => closed.push(name));
  const edit = (topics: string[], filters: unknown[]) =>
    apply('Trigger', 'edited', {
      source: read(topics, group),
      function: { uri: edited.origin },
      filters,
    });
  await edit([first], []);
  await apply('Trigger', 'steady', {
    source: read([first], uniqueName('steady')),
    function: { uri: steady.origin },
  });
  await Promise.all([running('edited'), running('steady')]);
  await send(first, 1, 20);
  await until(() => edited.calls.length === 20 && steady.calls.length === 20);

  await send(second, 1, 5);
  await Promise.all([
    send(first, 21, 40),
    edit([first], [{ not: { cesql: "subject = '41' OR subject = '42'" } }]),
  ]);
  await until(() => closed.includes('edited'));
  await send(first, 41, 50);
  await until(() => edited.calls.length === 48 && steady.calls.length === 50);
  await edit([first, second], []);
  await send(first, 51, 60);
  await until(() => edited.calls.length === 63 && steady.calls.length === 60);

  const all = range(first, 1, 60).filter((name) => !/:(41|42)$/.test(name));
  const got = delivered(edited);
  t.strictSame(
    got.filter((name) => name.startsWith(first)),
    all,
    'each once and in order',
  );
  t.strictSame(
    got.filter((name) => name.startsWith(second)),
    range(second, 1, 5),
  );
  t.strictSame(delivered(steady), range(first, 1, 60));
  t.notOk(closed.includes('steady'));

  await server.kubectl(['delete', 'trigger', 'edited', '-n', namespace]);
  await until(() => gateway.snapshot().length === 1);
});

t.test('a trigger with a KafkaCluster reads from it, and stores its dead letters there', async (t) => {
  const { apply, running } = await start(t);
  const east = (await ownKafka(t)).bootstrapServers;
  const topic = await createTopic(t, east, { partitions: 1 });
  const dead = await createTopic(t, east, { partitions: 1 });
  const fn = await startFunction(t, (_call, index) => (index === 1 ? 400 : 204));
  await apply('Trigger', 'far', {
    source: { ...read([topic], uniqueName('far')), cluster: 'east' },
    function: { uri: fn.origin },
    delivery: { deadLetter: { topic: dead } },
  });
  await apply('KafkaCluster', 'east', { bootstrapServers: east });
  await running('far');
  await send(topic, 1, 3, east);
  await until(() => fn.calls.length === 3);
  const [letter] = await consumeAll(east, dead, { count: 1 });
  t.equal(String(letter?.key), '2');
});

t.test('by default the gateway refuses functions by URI', async (t) => {
  const { gateway, namespace, apply, running } = await start(t, '');
  const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
  const fn = await startFunction(t);
  const source = (name: string) => read([topic], uniqueName(name));
  await apply('Trigger', 'by-uri', { source: source('by-uri'), function: { uri: fn.origin } });
  await apply('Trigger', 'by-service', {
    source: source('by-service'),
    function: { service: { name: 'a' } },
  });
  await running('by-service');
  t.strictSame(
    gateway.snapshot().map(({ key }) => key),
    [`${namespace}/by-service`],
  );
});

t.test('with guarded URIs the gateway holds records whose URI leads to a refused address', async (t) => {
  const warnings: { trigger: string; problem?: string; code?: string }[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(JSON.parse(line)) });
  const resolve = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
  const { gateway, namespace, apply, running } = await start(t, 'guarded', { log, resolve });
  const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
  const fn = await startFunction(t);
  const { port } = new URL(fn.origin);
  const triggerOf = (name: string, uri: string) =>
    apply('Trigger', name, {
      source: read([topic], uniqueName(name)),
      function: { uri },
      delivery: { retry: 0 },
    });
  await triggerOf('by-address', fn.origin);
  await triggerOf('by-name', `http://rebound.test:${port}/`);
  await running('by-name');
  await send(topic, 1, 3);
  const held = await until(() => gateway.snapshot().find((one) => one.held === 3));
  t.match(held, { key: `${namespace}/by-name`, deadLettered: 0, blocked: 0 });
  t.equal(gateway.snapshot().length, 1, 'the gateway refuses a literal address when it reads the trigger');
  const problem = await until(() => warnings.find(({ trigger }) => trigger === `${namespace}/by-address`));
  t.match(problem, {
    level: 50,
    problem: /^spec\.function\.uri: leads to 127\.0\.0\.1, which is a loopback/,
  });
  const warning = await until(() => warnings.find(({ trigger }) => trigger === `${namespace}/by-name`));
  t.match(warning, { level: 40, code: 'MILLRACE_ADDRESS_REFUSED', reason: /resolves to 127\.0\.0\.1/ });
  t.equal(await fn.connections(), 0);
  t.strictSame(fn.calls, []);
});

t.test('records flow while the API server is down, and later changes are applied', async (t) => {
  const { gateway, apply, running, namespace } = await start(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 2 });
  const fn = await startFunction(t);
  await apply('Trigger', 'flowing', {
    source: read([topic], uniqueName('flowing')),
    function: { uri: fn.origin },
  });
  await running('flowing');
  const rebuilt: string[] = [];
  gateway.events.on('closed', ({ name }) => rebuilt.push(name));

  await plane.stopApiServer();
  for (let at = 0; at < 15; at += 1) {
    await send(topic, at * 10, at * 10 + 9);
    await until(() => fn.calls.length === (at + 1) * 10);
    await delay(1_000); // long enough that the outage ends all watches
  }

  const ending = new AbortController();
  const late = startGateway(readGatewayConfig(environment(namespace)), { signal: ending.signal });
  const ended = t.rejects(late, { message: 'enough' }, 'one that starts now waits, until it is ended');
  await delay(1_000);
  ending.abort(new Error('enough'));
  await ended;

  await plane.startApiServer();
  const other = await startFunction(t);
  await until(() =>
    apply('Trigger', 'new', {
      source: read([topic], uniqueName('new')),
      function: { uri: other.origin },
    }).then(() => true),
  );
  await running('new');
  await until(() => other.calls.length === 150);
  t.strictSame(rebuilt, [], 'no member left its group');
  t.equal(new Set(delivered(fn)).size, 150);
  t.equal(fn.calls.length, 150);
});
