// What is open of Kafka clusters lives as long as a trigger uses it.
import t from 'tap';
import { createClusters } from '../../../../core/kafka/connection/clusters.ts';
import type { KafkaAccess } from '../../../../core/contract/kafka-access.ts';
import { createTopic, useKafka } from '../../../fixtures/kafka/kafka.ts';
import { retainedMb } from '../../../fixtures/retained-memory.ts';
import { memorySecrets } from '../../../fixtures/secrets/memory-secrets.ts';
import { subscriptionOf } from '../../../fixtures/subscription.ts';
import { until } from '../../../scaler/fixtures/until.ts';

t.setTimeout(60_000);

function clustersOf(brokers: string[]) {
  return createClusters({ own: { brokers, clientId: 'clusters-test' }, secrets: memorySecrets() });
}

const triggerOf = (name: string, access: KafkaAccess | undefined) =>
  subscriptionOf(name, { source: { access } });

/** As an edit of a KafkaCluster makes it: another object each time. */
function accessOf(user: string): KafkaAccess {
  const password = { secretName: user, key: 'password' };
  const authentication = { type: 'plain' as const, username: user, password };
  return { brokers: ['127.0.0.1:1'], namespace: 'geo', authentication };
}

t.test('triggers of one cluster share it, and the last one closes it', async (t) => {
  const clusters = clustersOf(['127.0.0.1:1']);
  const first = clusters.open(triggerOf('first', accessOf('me')));
  const second = clusters.open(triggerOf('second', accessOf('me')));
  const other = clusters.open(triggerOf('other', accessOf('you')));
  t.equal(first.sink, second.sink);
  t.not(first.sink, other.sink);
  t.equal(clusters.size, 2);
  await Promise.all([first.close(), first.close()]);
  t.equal(clusters.size, 2, 'closed twice counts once');
  await second.close();
  t.equal(clusters.size, 1);
  const again = clusters.open(triggerOf('first', accessOf('me')));
  t.not(again.sink, first.sink);
  await Promise.all([again.close(), other.close(), clusters.close()]);
  t.equal(clusters.size, 0);
});

t.test(
  'after a hundred edits nothing is left of the versions before: no poll of Secrets, no producer',
  async (t) => {
    const clusters = clustersOf(['127.0.0.1:1']);
    const accesses: WeakRef<KafkaAccess>[] = [];
    const open = (edit: number) => {
      const access = accessOf(`me-${edit}`);
      accesses.push(new WeakRef(access));
      return clusters.open(triggerOf('edited', access));
    };
    let cluster = open(0);
    for (let edit = 1; edit <= 100; edit += 1) {
      await cluster.close();
      cluster = open(edit);
    }
    t.equal(clusters.size, 1);
    const alive = () => {
      retainedMb();
      return accesses.filter((access) => access.deref() !== undefined).length;
    };
    await until(() => alive() === 1);
    await cluster.close();
  },
);

t.test('what is being written when the last trigger lets go is stored', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  const clusters = clustersOf(servers.split(','));
  const cluster = clusters.open(triggerOf('writing', undefined));
  const record = { topic, key: null, value: Buffer.from('x'), headers: [] };
  const writes = Promise.all(Array.from({ length: 100 }, () => cluster.sink.write(record)));
  await Promise.all([cluster.close(), clusters.close()]);
  t.equal(new Set((await writes).map(({ offset }) => offset)).size, 100);
});
