import t from 'tap';
import { createKnownClusters } from '../../scaler/known-clusters.ts';

t.test('bootstrap servers choose among the clusters that we know, and bring us to no other', async (t) => {
  const own = ['kafka-0.kafka:9092', 'Kafka-1.kafka.svc.cluster.local:9092'];
  const clusters = createKnownClusters(own);
  for (const named of [[], ['kafka-0.kafka:9092'], ['KAFKA-1.kafka.svc:9092', 'kafka-0.kafka.:9092']])
    t.equal(clusters.find('shop', named), own, named.join());
  for (const named of [
    ['kafka-0.kafka:9093'],
    ['169.254.169.254:80'],
    ['kafka-0.kafka:9092', 'elsewhere:9092'],
  ])
    t.equal(clusters.find('shop', named), undefined, named.join());
});
