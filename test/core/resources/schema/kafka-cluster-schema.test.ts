import t from 'tap';
import { kafkaClusterSchema } from '../../../../core/resources/schema/kafka-cluster-schema.ts';

t.test('it is a KafkaCluster; which way to its brokers must be there is left to the rules', async (t) => {
  t.strictSame(kafkaClusterSchema.properties.spec.required, undefined);
  t.equal(kafkaClusterSchema.properties.kind.const, 'KafkaCluster');
});
