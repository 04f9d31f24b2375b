// The installation's own cluster by a file of client properties, at a real broker.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { openInstallationConnection } from '../../../../core/kafka/connection/installation-connection.ts';
import type { ConnectionSettings } from '../../../../core/kafka/connection/connection-settings.ts';
import { createKafka } from '../../../../core/kafka/administration/kafka-client.ts';
import { clientProperties } from '../../../fixtures/kafka/client-settings.ts';
import { createTopic } from '../../../fixtures/kafka/kafka.ts';
import { clientKinds, startSecureKafka } from '../../../fixtures/kafka/secure-kafka.ts';

t.setTimeout(180_000);
const kafka = await startSecureKafka(t);

async function topicsSeen(connection: ConnectionSettings): Promise<string[]> {
  const admin = createKafka(connection).admin({ retry: { retries: 0 } });
  try {
    await admin.connect();
    return await admin.listTopics();
  } finally {
    await admin.disconnect();
  }
}

for (const kind of clientKinds) {
  t.test(kind, async (t) => {
    const topic = await createTopic(t, kafka.bootstrapServers, { partitions: 1 });
    await kafka.grant(kind, [{ operation: 'describe', resource: 'topic', name: topic }]);
    const configPath = join(t.testdir(), 'client.properties');
    await writeFile(configPath, clientProperties(kafka.client(kind)));
    const connection = await openInstallationConnection({ brokers: undefined, configPath, clientId: 'test' });
    t.teardown(() => connection.security?.close());
    t.ok((await topicsSeen(connection)).includes(topic));
  });
}

t.test('tokens that hold for seconds are renewed under way, and no request fails for it', async (t) => {
  kafka.provider.giveTokensFor(8);
  t.teardown(() => kafka.provider.giveTokensFor(3_600));
  const configPath = join(t.testdir(), 'client.properties');
  await writeFile(configPath, clientProperties(kafka.client('tls-oauthbearer')));
  const connection = await openInstallationConnection({ brokers: undefined, configPath, clientId: 'test' });
  const admin = createKafka(connection).admin({ retry: { retries: 0 } });
  t.teardown(async () => {
    await admin.disconnect();
    await connection.security?.close();
  });
  await admin.connect();
  const before = kafka.provider.requests.length;
  while (kafka.provider.requests.length < before + 2) {
    await admin.listTopics();
    await delay(50);
  }
  t.pass('two tokens later');
});

t.test('all that is wrong in the file is told with its line before anything starts', async (t) => {
  const dir = t.testdir({
    wrong: 'boostrap.servers=a:1\nsecurity.protocol=SSL\nssl.truststore.type=JKS\n',
    bare: 'security.protocol=PLAINTEXT\n',
    named: 'bootstrap.servers=a:1\nclient.id=mine\nclient.rack=eu-1a\n',
  });
  const open = (name: string, brokers?: string[], rackId?: string) =>
    openInstallationConnection({ brokers, configPath: join(dir, name), clientId: 'test', rackId });
  await t.rejects(open('wrong'), {
    code: 'MILLRACE_CONFIG_INVALID',
    message: /wrong:1 boostrap\.servers: .*\n.*wrong:3 ssl\.truststore\.type: must be PEM/,
  });
  await t.rejects(open('bare'), { message: /names no bootstrap\.servers, and KAFKA_BROKERS is not set/ });
  await t.rejects(open('none'), { message: /^cannot read .*none/ });
  const named = { brokers: ['a:1'], clientId: 'mine', rackId: 'eu-1a', groupProtocol: undefined };
  t.strictSame(await open('named'), named);
  t.strictSame(await open('named', ['b:2'], 'eu-1b'), { ...named, brokers: ['b:2'], rackId: 'eu-1b' });
});
