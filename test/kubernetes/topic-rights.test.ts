// A Trigger with topics that the user of its KafkaCluster may not read, or not write dead letters to: its conditions name exactly those, and
// the gateway reports the same.
import t from 'tap';
import { until } from '../scaler/fixtures/until.ts';
import { useSecuredTenant } from './fixtures/secured-tenant.ts';

t.setTimeout(240_000);
const { tenant, namespace, installation, topic, ...kafka } = await useSecuredTenant(t);
const { bootstrapServers, username, password } = kafka;

t.test('a Trigger names each topic that it may not read or write, until the right is granted', async (t) => {
  const [unread, unseen, dead] = [
    await kafka.createTopic('unread'),
    await kafka.createTopic('unseen'),
    await kafka.createTopic('dead'),
  ];
  const may = (operation: 'read' | 'describe' | 'write', name: string) =>
    kafka.grant([{ operation, resource: 'topic', name }]);
  await kafka.allow('mailer');
  await may('describe', unread);
  await may('describe', dead);
  await installation.grantSecrets(namespace, ['kafka-user']);
  await kafka.createSecret('kafka-user', { password, 'ca.crt': kafka.authority });
  const ofSecret = { secretName: 'kafka-user' };
  await kafka.createCluster('secured', {
    bootstrapServers,
    tls: { ca: ofSecret },
    authentication: { type: 'scram-sha-512', username, password: ofSecret },
  });
  const gateway = await installation.startGateway(t);
  const topics = [topic, unread, unseen].join();
  await tenant.deploy('mailer', { topics, cluster: 'secured', 'dead-letter-topic': dead });
  const untilReported = async (text: string) => {
    const { reason } = await tenant.untilMessage('mailer', 'SourceReady', new RegExp(text));
    t.equal(reason, 'KafkaForbidden', text);
    await until(() => gateway.snapshot()[0]?.reason === text, 20_000);
  };
  await untilReported(`Kafka does not allow our user to describe the topic "${unseen}"`);
  const store = await tenant.untilCondition('mailer', 'DeadLetterReady', 'KafkaForbidden');
  t.match(store.message, `write to the topic ${dead} for dead letters`);

  await may('describe', unseen);
  await untilReported(`Kafka does not allow our user to read each of the topics "${unread}", "${unseen}"`);
  await may('read', unseen);
  await untilReported(`Kafka does not allow our user to read the topic "${unread}"`);
  await may('read', unread);
  await tenant.untilCondition('mailer', 'SourceReady', 'Consuming');
  await may('write', dead);
  await tenant.untilCondition('mailer', 'DeadLetterReady', 'TopicExists');
});
