// What a user may write in a KafkaCluster: where the brokers are that triggers of its namespace name it for.
import { Type } from 'typebox';
import { metadataSchema } from './metadata-schema.ts';
import { mapping, text, type Filled } from './schema.ts';
import { apiVersion } from './trigger.ts';

const spec = mapping(
  {
    description: 'How a Kafka cluster is reached. Triggers of the namespace name it as `source.cluster`.',
    example: { bootstrapServers: 'kafka:9092' },
  },
  {
    bootstrapServers: text({
      format: 'bootstrap-servers',
      example: 'kafka-0.kafka:9092,kafka-1.kafka:9092',
      description: 'The brokers to begin with; the others are learned from them.',
    }),
  },
);

export const kafkaClusterSchema = Type.Object(
  {
    apiVersion: Type.Literal(apiVersion, { example: apiVersion }),
    kind: Type.Literal('KafkaCluster', { example: 'KafkaCluster' }),
    metadata: metadataSchema('main', {}),
    spec,
    status: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: false, example: {} },
);

export type FilledKafkaCluster = Filled<typeof kafkaClusterSchema>;
