// A broker that is found, and calls itself, by an IPv6 address.
import t from 'tap';
import { createConnections } from '../../../../core/kafka/connection/broker-connections.ts';
import { createKafka } from '../../../../core/kafka/administration/kafka-client.ts';
import { metadataRequest } from '../../../../core/kafka/protocol/wire-requests.ts';
import { findFreePorts } from '../../../../cli/kafka/free-ports.ts';
import { createTopic, ownKafka, produce, uniqueName } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { committedIn, join } from '../fixtures/member.ts';

t.setTimeout(120_000);
const [v6 = 0] = await findFreePorts(1);
const kafka = await ownKafka(t, {
  properties: ({ port, controllerPort }) => ({
    listeners: `PLAINTEXT://127.0.0.1:${port},V6://[::1]:${v6},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},V6://[::1]:${v6}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,V6:PLAINTEXT,CONTROLLER:PLAINTEXT',
  }),
});
const topic = await createTopic(t, kafka.bootstrapServers, { partitions: 1 });
const settings = { brokers: [`[::1]:${v6}`], clientId: 'ipv6-test' };

t.test('by our own connections', async (t) => {
  const connections = createConnections({ settings, requestTimeoutMs: 10_000 });
  t.teardown(() => connections.close());
  const deadlineMs = performance.now() + 20_000;
  const { brokers } = await connections.sendToAny(metadataRequest([topic], false), deadlineMs);
  t.match(brokers, [{ host: '::1', port: v6 }]);
  const found = await connections.sendTo(brokers[0]!, metadataRequest([topic], false), deadlineMs);
  t.match(found.topics, [{ name: topic, errorCode: 0 }]);
});

t.test('a member of a group reads and commits', async (t) => {
  await produce(kafka.bootstrapServers, topic, [{ value: 'a' }]);
  const group = uniqueName('group');
  const source = { topics: [topic], consumerGroup: group, initialOffset: 'earliest' } as const;
  const member = await join(t, source, undefined, `[::1]:${v6}`);
  await until(() => member.records_.length === 1);
  await member.source.commit([{ topic, partition: 0, offset: 1n, metadata: '' }]);
  t.strictSame(await committedIn(kafka.bootstrapServers, group, topic), [1]);
});

t.test('at the command line', async (t) => {
  const admin = createKafka(settings).admin();
  t.teardown(() => admin.disconnect());
  await admin.connect();
  t.ok((await admin.listTopics()).includes(topic));
});
