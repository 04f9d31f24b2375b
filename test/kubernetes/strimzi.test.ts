// A KafkaCluster for a Kafka that Strimzi runs, at a real broker, with Strimzi's CustomResourceDefinitions: what a Trigger reports while
// something is missing, and which later changes it follows by itself.
import t, { type Test } from 'tap';
import { planted } from '../fixtures/secrets/planted.ts';
import { applyStrimziCrds, removeStrimziCrds } from './fixtures/installation.ts';
import { useSecuredTenant } from './fixtures/secured-tenant.ts';

t.setTimeout(240_000);
const { server, tenant, client, namespace, installation, topic, ...kafka } = await useSecuredTenant(t, [
  '--set',
  'strimzi.enabled=true',
]);
const { bootstrapServers, username, password } = kafka;

const apiVersion = 'kafka.strimzi.io/v1';
const kafkaKind = { apiVersion, kind: 'Kafka', plural: 'kafkas' };
const userKind = { apiVersion, kind: 'KafkaUser', plural: 'kafkausers' };

/** Waits until the Trigger reports that this is missing for its cluster. */
async function untilMissing(t: Test, message: RegExp): Promise<void> {
  const { status, reason } = await tenant.untilMessage('mailer', 'Accepted', message);
  t.strictSame({ status, reason }, { status: 'False', reason: 'ClusterUnresolved' }, String(message));
}

/** Sets the status of a resource, as an operator does. */
function report(kind: string, name: string, status: object): Promise<unknown> {
  const metadata = { name, namespace };
  const options = { fieldManager: 'strimzi', force: true, subresource: 'status' } as const;
  return client.apply({ apiVersion, kind, metadata, status }, options);
}

t.test('a Trigger reports each missing thing until it exists, then goes on', async (t) => {
  await kafka.createCluster('secured', { strimzi: { kafka: 'my-cluster', user: 'orders' } });
  await tenant.deploy('mailer', { topics: topic, cluster: 'secured' });
  await untilMissing(t, /spec\.strimzi: needs Strimzi/);

  await applyStrimziCrds(server);
  t.teardown(() => removeStrimziCrds(server));
  await untilMissing(t, /names no Kafka of namespace/);

  const listeners = [
    { name: 'plain', port: 9092, type: 'internal', tls: false },
    { name: 'tls', port: 9093, type: 'internal', tls: true, authentication: { type: 'scram-sha-512' } },
  ];
  await client.create({
    apiVersion,
    kind: 'Kafka',
    metadata: { name: 'my-cluster', namespace },
    spec: { kafka: { listeners } },
  });
  await untilMissing(t, /names no KafkaUser of namespace/);

  await client.create({
    apiVersion,
    kind: 'KafkaUser',
    metadata: { name: 'orders', namespace, labels: { 'strimzi.io/cluster': 'my-cluster' } },
    spec: { authentication: { type: 'scram-sha-512' } },
  });
  await untilMissing(
    t,
    /names a Kafka without an address of its listener tls yet\. See `kubectl describe kafka my-cluster/,
  );

  const certificates = [kafka.authority];
  await report('Kafka', 'my-cluster', { listeners: [{ name: 'tls', bootstrapServers, certificates }] });
  await untilMissing(t, /names a KafkaUser that has no Secret yet/);

  await report('KafkaUser', 'orders', { username, secret: 'orders' });
  await tenant.untilCondition('mailer', 'SourceReady', 'SecretForbidden');
  await installation.grantSecrets(namespace, ['orders', 'my-cluster-cluster-ca-cert']);
  await tenant.untilCondition('mailer', 'SourceReady', 'CredentialsUnusable');
  await kafka.createSecret('orders', { password, 'sasl.jaas.config': planted('not read') });
  await kafka.createSecret('my-cluster-cluster-ca-cert', { 'ca.crt': kafka.authority });
  await tenant.untilCondition('mailer', 'SourceReady', 'KafkaForbidden');

  await kafka.allow('mailer');
  await tenant.untilCondition('mailer', 'SourceReady', 'NoGateway');
  await installation.startGateway(t);
  await tenant.untilCondition('mailer', 'SourceReady', 'Consuming');

  await t.test('the trigger follows a changed address, and reports one that leads nowhere', async () => {
    await report('Kafka', 'my-cluster', { listeners: [{ name: 'tls', bootstrapServers: '127.0.0.1:1' }] });
    await tenant.untilCondition('mailer', 'SourceReady', 'KafkaUnreachable');
    await report('Kafka', 'my-cluster', { listeners: [{ name: 'tls', bootstrapServers }] });
    await tenant.untilCondition('mailer', 'SourceReady', 'Consuming');
  });

  await t.test('the trigger reports a removed user', async (t) => {
    await client.remove(userKind, namespace, 'orders');
    await untilMissing(t, /names no KafkaUser of namespace/);
    await client.remove(kafkaKind, namespace, 'my-cluster');
    await untilMissing(t, /names no Kafka of namespace/);
  });
});

t.test('a service binding of the Access Operator leads to the same brokers', async (t) => {
  const bound = {
    'bootstrap.servers': bootstrapServers,
    'security.protocol': 'SASL_SSL',
    'sasl.mechanism': 'SCRAM-SHA-512',
    'ssl.truststore.crt': kafka.authority,
    username,
    password,
  };
  await kafka.createCluster('bound', { binding: { secretName: 'kafka-binding' } });
  await tenant.deploy('biller', { topics: topic, cluster: 'bound' });
  const says = (message: RegExp) => tenant.untilMessage('biller', 'Accepted', message);
  t.match(await says(/spec\.binding\.secretName: cannot be looked up: .* secrets "kafka-binding"/), {
    reason: 'ClusterUnresolved',
  });
  await installation.grantSecrets(namespace, ['kafka-binding']);
  t.match(await says(/names no Secret of namespace/), { status: 'False' });
  await kafka.createSecret('kafka-binding', bound);
  await tenant.untilCondition('biller', 'SourceReady', 'KafkaForbidden');
  await kafka.allow('biller');
  await tenant.untilCondition('biller', 'SourceReady', 'NoGateway');
});
