import t from 'tap';
import { createKnownClusters } from '../../scaler/known-clusters.ts';
import { createWantedTriggers } from '../../scaler/wanted-triggers.ts';
import { subscriptionOf } from '../fixtures/subscription.ts';

t.test('bootstrap servers choose among the clusters that we know, and bring us to no other', async (t) => {
  const own = ['kafka-0.kafka:9092', 'Kafka-1.kafka.svc.cluster.local:9092'];
  const clusters = createKnownClusters(own, createWantedTriggers());
  for (const named of [[], ['kafka-0.kafka:9092'], ['KAFKA-1.kafka.svc:9092', 'kafka-0.kafka.:9092']])
    t.strictSame(clusters.find('shop', named), { access: undefined }, named.join());
  for (const named of [
    ['kafka-0.kafka:9093'],
    ['169.254.169.254:80'],
    ['kafka-0.kafka:9092', 'elsewhere:9092'],
  ])
    t.equal(clusters.find('shop', named), undefined, named.join());
});

t.test('a cluster of a trigger is known in its own namespace, as long as the trigger is there', async (t) => {
  const triggers = createWantedTriggers();
  const clusters = createKnownClusters(['kafka:9092'], triggers);
  const access = { brokers: ['second:9092', 'third:9092'], namespace: 'geo' };
  triggers.replace([subscriptionOf('a'), subscriptionOf('b', { source: { access } })]);
  t.strictSame(clusters.find('geo', ['third:9092']), { access });
  t.equal(clusters.find('shop', ['third:9092']), undefined);
  t.strictSame(clusters.find('geo', []), { access: undefined });
  triggers.replace([subscriptionOf('a')]);
  t.equal(clusters.find('geo', ['third:9092']), undefined);
});
