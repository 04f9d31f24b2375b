// A topic that does not exist when the gateway starts. And the initial offset `latest`.
import t from 'tap';
import { triggerManifest, useGateway } from '../fixtures/gateway.ts';
import { createTopic, uniqueName, useKafka, withAdmin } from '../fixtures/kafka/kafka.ts';
import { serveFunction } from '../fixtures/oracle/oracle-function.ts';
import { createOracle } from '../fixtures/oracle/oracle.ts';
import { until } from '../scaler/fixtures/until.ts';

for (const initialOffset of ['latest', 'earliest'] as const) {
  t.test(`a gateway waits for a topic that is created later: initial offset ${initialOffset}`, async (t) => {
    const bootstrapServers = await useKafka(t);
    const topic = uniqueName('late');
    const group = uniqueName('group');
    const oracle = createOracle(t, { bootstrapServers, topic, group });
    const { uri } = await serveFunction(t, oracle);
    const manifests = [triggerManifest(oracle, uri, { source: { initialOffset } })];
    const gateway = await useGateway(t, { bootstrapServers, manifests });
    await until(() => gateway.trigger().state === 'failing');
    t.match(gateway.trigger().reason, new RegExp(`topic "${topic}" missing`));
    t.equal((await fetch(`${gateway.adminUrl}/readyz`)).status, 503);

    const created = { topic, numPartitions: 3, replicationFactor: 1 };
    await withAdmin(bootstrapServers, (admin) => admin.createTopics({ topics: [created] }));
    t.teardown(() => withAdmin(bootstrapServers, (admin) => admin.deleteTopics({ topics: [topic] })));
    if (initialOffset === 'earliest') {
      await oracle.produce(50);
    } else {
      await until(async () => (await fetch(`${gateway.adminUrl}/readyz`)).status === 200);
      t.strictSame(
        await oracle.committed(),
        new Map([0, 1, 2].map((partition) => [partition, 0n])),
        'the initial offsets are committed before Ready',
      );
    }
    await oracle.produce(50);

    const verdict = await oracle.verdict();
    t.strictSame(verdict.problems, []);
    t.strictSame(verdict.duplicates, []);
    t.equal(verdict.delivered, initialOffset === 'earliest' ? 100 : 50);
  });
}

t.test('latest: a gateway misses nothing that is stored after its first Ready', async (t) => {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 2 });
  const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group') });
  await oracle.produce(20);
  const { uri } = await serveFunction(t, oracle);
  const manifests = [triggerManifest(oracle, uri, { source: { initialOffset: 'latest' } })];
  const first = await useGateway(t, { bootstrapServers, manifests });
  await until(() => first.trigger().ready);
  const starts = await oracle.committed();
  t.equal(
    [...starts.values()].reduce((sum, offset) => sum + offset, 0n),
    20n,
    'earlier records are not delivered',
  );
  oracle.countFrom(starts);
  await first.stop();
  await oracle.produce(20);

  await useGateway(t, { bootstrapServers, manifests });
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.equal(verdict.delivered, 20);
  t.strictSame(verdict.duplicates, []);
});
