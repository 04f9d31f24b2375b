import t from 'tap';
import { kafkaClusterSchema } from '../../../gateway/contract/kafka-cluster-schema.ts';

t.test('only what says where the cluster is must be there', async (t) => {
  t.strictSame(kafkaClusterSchema.properties.spec.required, ['bootstrapServers']);
  t.equal(kafkaClusterSchema.properties.kind.const, 'KafkaCluster');
});
