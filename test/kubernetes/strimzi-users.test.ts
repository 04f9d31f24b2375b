// From the chart to a trigger, with a Kafka that Strimzi runs: the users that the chart makes have exactly the documented rights, and
// triggers work with them. The trigger follows a password that the operator replaces.
import t from 'tap';
import { kafkaClusterKind, secretKind, triggerKind } from '../../core/resources/kinds.ts';
import { parseManifests, required, template } from '../charts/fixtures/helm.ts';
import { connectionsTo } from '../fixtures/connections.ts';
import { startFunction } from '../fixtures/function-server.ts';
import { createTopic, produce } from '../fixtures/kafka/kafka.ts';
import { apiServer, createNamespace } from '../fixtures/kubernetes/kubernetes.ts';
import { serveFunction } from '../fixtures/oracle/oracle-function.ts';
import { createOracle } from '../fixtures/oracle/oracle.ts';
import { readRights } from '../fixtures/kubernetes/rights.ts';
import { startSecureKafka } from '../fixtures/kafka/secure-kafka.ts';
import { valuesIn } from '../fixtures/kafka/secured-trigger.ts';
import { startControlPlane } from '../lab/control-plane.ts';
import { until } from '../scaler/fixtures/until.ts';
import { applyCrds, applyKedaCrds, applyStrimziCrds, install } from './fixtures/installation.ts';
import { base64 } from './fixtures/secured-tenant.ts';
import { createTenant, openClient } from './fixtures/tenant.ts';
import { startUserOperator } from './fixtures/user-operator.ts';

t.setTimeout(300_000);
/** An API server of its own, because CRDs are cluster-wide and another test removes them. */
const plane = await startControlPlane();
t.teardown(() => plane.stop());
const server = apiServer(plane.kubeconfig);
await Promise.all([applyCrds(server), applyKedaCrds(server), applyStrimziCrds(server)]);
const kafka = await startSecureKafka(t);
const { bootstrapServers } = kafka;
const client = await openClient(t, server.kubeconfig);
const tenant = await createTenant(t, server, client);
const { namespace } = tenant;
const geo = await createNamespace(t, server);
const cluster = 'my-cluster';
const strimzi = 'kafka.strimzi.io/v1';

const make = (name: string): Promise<string> => createTopic(t, bootstrapServers, { partitions: 2, name });
const [orders, dead, bills] = await Promise.all([make('orders'), make('dead'), make('bills')]);
const [stream, quakes, secret] = await Promise.all([make('stream'), make('quakes.eu'), make('secret')]);
const quakesPrefix = quakes.slice(0, quakes.indexOf('eu'));

const users = [
  {
    ...{ name: 'orders', namespace, cluster },
    triggers: [
      { name: 'biller', topics: [orders], deadLetterTopic: dead, replyTopic: bills, transactional: true },
      { name: 'mailer', topics: [stream] },
      { name: 'snoop', topics: [stream] },
    ],
  },
  {
    ...{ name: 'quakes', namespace, cluster, authentication: 'tls' },
    triggers: [{ namespace: geo, topicPrefix: quakesPrefix }],
  },
];
const topics = [{ name: 'orders.dead', namespace, cluster, config: { 'retention.ms': 2_592_000_000 } }];
const values = ['--set-json', `strimzi=${JSON.stringify({ enabled: true, users, topics })}`];

const operator = await startUserOperator(t, { server, client, namespace, cluster, kafka });
const installation = await install(t, {
  ...{ server, bootstrapServers, watchNamespaces: [namespace, geo], values },
  functionUris: 'unguarded',
});
await installation.startGateway(t);

/** Makes what the cluster operator makes for a Kafka. */
async function bringUpKafka(): Promise<void> {
  const listener = (name: string, port: number, type: string) => ({
    ...{ name, port, type: 'internal', tls: true, authentication: { type } },
  });
  const listeners = [listener('scram', 9093, 'scram-sha-512'), listener('mutual', 9094, 'tls')];
  const metadata = { name: cluster, namespace };
  await client.create({ apiVersion: strimzi, kind: 'Kafka', metadata, spec: { kafka: { listeners } } });
  const addresses = [
    { name: 'scram', bootstrapServers: kafka.addresses.SASL_TLS },
    { name: 'mutual', bootstrapServers: kafka.addresses.MUTUAL },
  ];
  const said = { apiVersion: strimzi, kind: 'Kafka', metadata, status: { listeners: addresses } };
  await client.apply(said, { fieldManager: 'strimzi', force: true, subresource: 'status' });
  const name = `${cluster}-cluster-ca-cert`;
  const data = base64({ 'ca.crt': kafka.authority.certificate });
  const { apiVersion, kind } = secretKind;
  await client.create({ apiVersion, kind, metadata: { name, namespace }, data });
}

/** `read topic orders`, or `read topic orders*` for a prefix; sorted. */
async function rightsOf(principal: string): Promise<string[]> {
  const rights = await readRights(bootstrapServers, principal);
  return rights
    .map(
      ({ operation, resource, name, isPrefix }) => `${operation} ${resource} ${name}${isPrefix ? '*' : ''}`,
    )
    .toSorted();
}

/** A Trigger that reads from the KafkaCluster `orders`, unless `source` says otherwise. */
function createTrigger(name: string, source: object, uri: string, more: object = {}, where = namespace) {
  const { apiVersion, kind } = triggerKind;
  const spec = { source: { cluster: 'orders', initialOffset: 'earliest', ...source }, function: { uri } };
  return client.create({
    ...{ apiVersion, kind },
    metadata: { name, namespace: where },
    spec: { ...spec, ...more },
  });
}

t.test('the API server accepts what the chart makes, and the users get the documented rights', async (t) => {
  const { stdout, stderr } = await template(...required, ...values);
  t.equal(stderr, '');
  const items = parseManifests(stdout).filter(({ apiVersion }) => apiVersion === strimzi);
  t.strictSame(items.map(({ kind }) => kind).toSorted(), ['KafkaTopic', 'KafkaUser', 'KafkaUser']);
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await server.kubectl(['create', '--validate=strict', '-f', '-'], list);
  await operator.reconcile('orders');
  await operator.reconcile('quakes');
  const own = `millrace.${namespace}.`;
  t.strictSame(
    await rightsOf('orders'),
    [
      `read topic ${orders}`,
      `read group ${own}biller`,
      `write topic ${dead}`,
      `write topic ${bills}`,
      `write transactional-id millrace:${own}biller:*`,
      `read topic ${stream}`,
      `read group ${own}mailer`,
      `read group ${own}snoop`,
    ].toSorted(),
  );
  t.strictSame(await rightsOf('CN=quakes'), [`read group millrace.${geo}.*`, `read topic ${quakesPrefix}*`]);
});

t.test('a trigger reads, replies and dead-letters with these rights', async (t) => {
  await bringUpKafka();
  const { apiVersion, kind } = kafkaClusterKind;
  for (const user of ['orders', 'quakes']) {
    const spec = { strimzi: { kafka: cluster, user }, allowedNamespaces: [geo] };
    await client.create({ apiVersion, kind, metadata: { name: user, namespace }, spec });
  }
  const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-type': 'bill', 'ce-source': '/biller' };
  const biller = await startFunction(t, ({ body }) =>
    body.toString() === '"bad"' ? 400 : { status: 200, headers, body: 'a bill' },
  );
  const delivery = { deadLetter: { topic: dead } };
  const reply = { topic: bills, transactional: true };
  await createTrigger('biller', { topics: [orders] }, biller.origin, { delivery, reply });
  await produce(bootstrapServers, orders, [{ value: '"good"' }, { value: '"bad"' }]);
  await tenant.untilCondition('biller', 'SourceReady', 'Consuming');
  await until(async () => (await valuesIn(bootstrapServers, dead)).length === 1);
  await until(async () => (await valuesIn(bootstrapServers, bills)).length === 1);
  t.strictSame(await valuesIn(bootstrapServers, dead), ['"bad"']);
  t.strictSame(await valuesIn(bootstrapServers, bills), ['a bill']);

  await t.test(
    'a trigger of another namespace reads topics by prefix, with a client certificate',
    async () => {
      const alerts = await startFunction(t);
      const topicPattern = `${quakesPrefix.replaceAll('.', '\\.')}.*`;
      await createTrigger('alerts', { cluster: `${namespace}/quakes`, topicPattern }, alerts.origin, {}, geo);
      await produce(bootstrapServers, quakes, [{ value: '5.1' }]);
      await until(() => alerts.calls.length === 1, 30_000);
    },
  );
});

t.test('a trigger names the topic that its user may not read', async (t) => {
  await createTrigger('snoop', { topics: [secret] }, 'http://127.0.0.1:1');
  const { message } = await tenant.untilCondition('snoop', 'SourceReady', 'KafkaForbidden');
  t.match(message, secret);
});

t.test('a trigger follows a password that the operator replaces, and loses no record', async (t) => {
  const oracle = createOracle(t, { bootstrapServers, topic: stream, group: `millrace.${namespace}.mailer` });
  const { uri } = await serveFunction(t, oracle);
  await createTrigger('mailer', { topics: [stream] }, uri);
  oracle.watchCommits();
  const endLoad = oracle.load();
  await until(() => oracle.delivered > 200, 60_000);
  const old = connectionsTo(kafka.addresses.SASL_TLS);
  t.ok(old.length > 0);
  await tenant.remove(secretKind, 'orders');
  await operator.reconcile('orders');
  await until(() => old.every(({ destroyed }) => destroyed), 60_000);
  const { delivered } = oracle;
  await until(() => oracle.delivered > delivered + 200);
  for (const socket of connectionsTo(kafka.addresses.SASL_TLS)) socket.destroy(new Error('cut by the test'));
  await oracle.produce(100);
  await endLoad();
  const { problems, records } = await oracle.verdict();
  t.strictSame(problems, []);
  t.comment(`${records} records`);
});
