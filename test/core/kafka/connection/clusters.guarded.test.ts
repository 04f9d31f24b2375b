// Clusters that tenants name, as the gateway and the scaler reach them: with a guard, neither the bootstrap servers nor a broker that the
// metadata of a Kafka names is connected to where tenants have nothing.
import t from 'tap';
import { createClusters } from '../../../../core/kafka/connection/clusters.ts';
import { createClustersReader } from '../../../../core/kafka/offsets/offsets-of-clusters.ts';
import { openSecurity, type Installation } from '../../../../core/kafka/connection/security/security.ts';
import { createTopic, ownKafka, uniqueName } from '../../../fixtures/kafka/kafka.ts';
import { memorySecrets } from '../../../fixtures/secrets/memory-secrets.ts';
import { subscriptionOf } from '../../../fixtures/subscription.ts';
import { countConnections, guardOf, type Names } from '../../../fixtures/tenant-guard.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { Listener } from '../fixtures/member.ts';

t.setTimeout(120_000);
/** It calls itself `localhost`, where tests reach it, and a guard only as long as the name says so. */
const kafka = await ownKafka(t, {
  properties: ({ port }) => ({ 'advertised.listeners': `PLAINTEXT://localhost:${port}` }),
});
const port = Number(kafka.bootstrapServers.split(':')[1]);
const topic = await createTopic(t, kafka.bootstrapServers, { partitions: 1 });
const open = { 'kafka.test': '127.0.0.1', localhost: '127.0.0.1' };

function installation(names: Names): Installation {
  const own = { brokers: [`localhost:${port}`], clientId: 'guarded' };
  return { own, secrets: memorySecrets(), guard: guardOf(names) };
}

const to = (...brokers: string[]) => ({ brokers, namespace: 'geo' });

async function readBy(names: Names, access: ReturnType<typeof to> | undefined) {
  const reader = createClustersReader(installation(names));
  const query = { access, group: 'any', topics: [topic] };
  const [[group], result] = await Promise.all([
    reader.readGroups([query]),
    reader.read([query]).catch((error: unknown) => ({ error })),
  ]);
  await reader.close();
  return [Array.isArray(result) ? result[0] : result, group];
}

const refused = (message: string) => ({ error: { code: 'MILLRACE_ADDRESS_REFUSED', message } });
const byName = `the broker kafka.test:${port} is not connected to: kafka.test resolves to 127.0.0.2, which is not open`;
const byMetadata = `the broker localhost:${port} is not connected to: localhost resolves to 127.0.0.2, which is not open`;

t.test('the scaler reads what is open, and is told why not where it is not', async (t) => {
  const access = to(`kafka.test:${port}`);
  const isRead = { kind: 'read' };
  t.match(await readBy(open, access), [isRead, isRead]);
  const moved = { ...open, 'kafka.test': '127.0.0.2' };
  t.match(await readBy(moved, access), [refused(byName), refused(byName)]);
  const advertised = { ...open, localhost: '127.0.0.2' };
  t.match(await readBy(advertised, access), [refused(byMetadata), refused(byMetadata)]);
  const both = to(`refused.test:${port}`, `kafka.test:${port}`);
  t.match(await readBy({ ...open, 'refused.test': '127.0.0.2' }, both), [isRead, isRead], 'one of two');
});

t.test('the own cluster may be anywhere, whoever names it', async (t) => {
  const nothing = { localhost: '127.0.0.2' };
  t.match(await readBy(nothing, undefined), [{ kind: 'read' }, { kind: 'read' }]);
  t.match(await readBy(nothing, to(`localhost:${port}`)), [{ kind: 'read' }, { kind: 'read' }]);
});

t.test('the gateway reads what is open, and says why not where it is not', async (t) => {
  const names: Names = { ...open, 'kafka.test': '127.0.0.2' };
  const clusters = createClusters(installation(names));
  const source = { access: to(`kafka.test:${port}`), topics: [topic], consumerGroup: uniqueName('guarded') };
  const subscription = subscriptionOf('guarded', { source });
  const listener = new Listener();
  const cluster = clusters.open(subscription);
  const reading = cluster.createSource(subscription, listener);
  t.teardown(async () => {
    await reading.stop();
    await cluster.close();
    await clusters.close();
  });
  reading.start();
  const failing = () => listener.states.findLast((state) => state.kind === 'failing');
  await until(() => failing() !== undefined);
  t.match(failing(), { reason: byName, error: { code: 'MILLRACE_ADDRESS_REFUSED' } });
  const record = { topic, key: null, value: null, headers: [] };
  await t.rejects(cluster.sink.write(record), { code: 'MILLRACE_ADDRESS_REFUSED' });
  Object.assign(names, { 'kafka.test': '127.0.0.1', localhost: '127.0.0.2' });
  await until(() => failing()?.reason === byMetadata, 20_000);
  names.localhost = '127.0.0.1';
  await until(() => listener.isConsuming, 20_000);
});

t.test('new credentials are proved nowhere else either', async (t) => {
  const { port, connections } = await countConnections(t);
  const told: unknown[] = [];
  let reads = 0;
  const security = openSecurity({
    brokers: [`kafka.test:${port}`],
    mechanism: 'plain',
    read: async () => ({ sasl: { mechanism: 'plain', username: 'paula', password: `${(reads += 1)}` } }),
    guard: guardOf({ 'kafka.test': '127.0.0.2' }),
    log: (_level, message, fields) => told.push([message, fields.error]),
  });
  t.teardown(() => security.close());
  await until(() => told.length > 0, 20_000);
  t.match(told, [['credentials not taken on, tried again', /resolves to 127\.0\.0\.2, which is not open/]]);
  t.equal(connections(), 0);
});
