// Two real clusters, and one that is away.
import t from 'tap';
import { createClustersReader } from '../../../../core/kafka/offsets/offsets-of-clusters.ts';
import { createTopic, ownKafka, produce, useKafka } from '../../../fixtures/kafka/kafka.ts';
import { memorySecrets } from '../../../fixtures/secrets/memory-secrets.ts';
import { until } from '../../../scaler/fixtures/until.ts';

t.setTimeout(180_000);
const nowhere = ['127.0.0.1:1'];

t.test('each query at its own cluster; one that is away takes down its own', async (t) => {
  const own = await useKafka(t);
  const other = (await ownKafka(t)).bootstrapServers;
  const topic = await createTopic(t, own, { partitions: 1 });
  const there = await createTopic(t, other, { partitions: 2 });
  await produce(other, there, [{ value: 'a', partition: 1 }]);
  const reader = createClustersReader({
    own: { brokers: own.split(','), clientId: 'clusters' },
    secrets: memorySecrets(),
    idleMs: 50,
  });
  t.teardown(() => reader.close());
  const query = { group: 'any', topics: [topic] };
  const elsewhere = {
    access: { brokers: other.split(','), namespace: 'geo' },
    group: 'any',
    topics: [there],
  };
  const results = await reader.read([
    elsewhere,
    query,
    { ...query, access: { brokers: nowhere, namespace: 'geo' } },
  ]);
  t.match(results, [
    { kind: 'read', partitions: [{ end: 0n }, { end: 1n }] },
    { kind: 'read', partitions: [{ topic }] },
    { kind: 'failed', error: { code: 'MILLRACE_KAFKA_UNREACHABLE' } },
  ]);
  const groups = await reader.readGroups([
    { group: 'a' },
    { group: 'a', access: { brokers: nowhere, namespace: 'geo' } },
  ]);
  t.match(groups, [{ kind: 'read', members: [] }, { kind: 'failed' }]);

  // What nobody has asked for is closed, and opened again when somebody does.
  await new Promise((resolve) => setTimeout(resolve, 60));
  await reader.read([query]);
  await until(async () => (await reader.read([elsewhere]))[0]?.kind === 'read');
});

t.test('where none answers, that is told, also without a query', async (t) => {
  const reader = createClustersReader({
    own: { brokers: nowhere, clientId: 'clusters' },
    secrets: memorySecrets(),
  });
  t.teardown(() => reader.close());
  await t.rejects(reader.read([]), { code: 'MILLRACE_KAFKA_UNREACHABLE' });
  await t.rejects(reader.read([{ group: 'any', topics: ['any'] }]), { code: 'MILLRACE_KAFKA_UNREACHABLE' });
});
