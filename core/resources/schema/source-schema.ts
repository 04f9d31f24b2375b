// The fields `spec.source` and `spec.event` of a Trigger: which records are read, and which events they become.
import { Type } from './schema-types.ts';
import { mapping, text, withDefault } from './schema-notes.ts';

/** A pattern can name more. */
const mostTopics = 256;

/** The cluster of the installation, unless the namespace of the trigger has a KafkaCluster of this name. */
export const defaultCluster = 'main';

export const sourceSchema = mapping(
  { description: 'Where records come from.', example: { topics: ['orders'] } },
  {
    cluster: withDefault(
      defaultCluster,
      text({
        format: 'cluster-name',
        annotation: 'cluster',
        description:
          'The name of a KafkaCluster in the namespace of the Trigger. For a KafkaCluster of another namespace, write ' +
          '`namespace/name`; its `allowedNamespaces` must list the namespace of the Trigger. `main` means the cluster of the ' +
          'installation (`KAFKA_BROKERS`), unless the namespace has a KafkaCluster named `main`.',
      }),
    ),
    topics: Type.Optional(
      Type.Array(text({ format: 'topic-name', example: 'orders' }), {
        minItems: 1,
        maxItems: mostTopics,
        uniqueItems: true,
        annotation: 'topics',
        expected: `a list of 1 to ${mostTopics} topic names`,
        example: ['orders'],
        description: 'The topics to read. Write either `topics` or `topicPattern`.',
      }),
    ),
    topicPattern: Type.Optional(
      text({
        format: 'topic-pattern',
        minLength: 1,
        example: 'orders-.*',
        description:
          'A regular expression (RE2). Every topic whose whole name it matches is read. Write either `topicPattern` or `topics`.',
      }),
    ),
    consumerGroup: Type.Optional(
      text({
        // Kafka itself allows 32,767 bytes.
        maxLength: 512,
        pattern: String.raw`^[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$`,
        expected: 'a string of 1 to 512 characters, without spaces at either end or control characters',
        annotation: 'consumer-group',
        defaultRule: 'millrace.<namespace>.<name>',
        example: 'millrace.default.order-mailer',
        description:
          'The consumer group. No other trigger may have it. A group that begins with `millrace.` belongs to the namespace that ' +
          'follows, so it must begin with `millrace.<namespace>.`. Immutable.',
      }),
    ),
    initialOffset: withDefault(
      'latest',
      text({
        format: 'initial-offset',
        annotation: 'initial-offset',
        description:
          'Where the group starts in a partition for which it has no committed offset: `earliest`, `latest` or a time. A ' +
          'partition that was added to the topic later is read from its beginning.',
      }),
    ),
  },
);

export const eventSchema = mapping(
  { description: 'How records that are not CloudEvents yet become events.' },
  {
    type: withDefault(
      'dev.millrace.record',
      text({
        minLength: 1,
        maxLength: 256,
        description: 'The attribute `type` of these events.',
      }),
    ),
    source: Type.Optional(
      text({
        pattern: String.raw`^[^\x00-\x20\x7f]+$`,
        maxLength: 1_024,
        expected: 'a URI or a path of at most 1024 characters, without spaces or control characters',
        defaultRule: '/kafka/<cluster>/<topic>',
        example: '/kafka/main/orders',
        description: 'The attribute `source` of these events.',
      }),
    ),
    dialect: withDefault(
      'millrace',
      Type.Enum(['millrace', 'knative'], {
        description:
          'How the attributes are named and filled. `knative`: id, source, type and extensions are those of Knative’s KafkaSource.',
      }),
    ),
  },
);
