// The fields `spec.source` and `spec.event` of a Trigger: where records come from, and what events they
// become.
import { Type } from 'typebox';
import { mapping, text, withDefault } from './schema-notes.ts';

/** The installation’s own, unless the namespace of the trigger has a KafkaCluster of this name. */
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
          'The KafkaCluster, in the namespace of the trigger; `namespace/name` for one of another namespace, whose ' +
          '`allowedNamespaces` has this one. `main`, where there is none of that name, is the cluster of the ' +
          'installation, which `KAFKA_BROKERS` names.',
      }),
    ),
    topics: Type.Optional(
      Type.Array(text({ format: 'topic-name', example: 'orders' }), {
        minItems: 1,
        uniqueItems: true,
        annotation: 'topics',
        expected: 'a list of at least one topic name',
        example: ['orders'],
        description: 'The topics to read. Either this or `topicPattern`.',
      }),
    ),
    topicPattern: Type.Optional(
      text({
        format: 'topic-pattern',
        example: 'orders-.*',
        description:
          'A regular expression (RE2) that must match the whole name of a topic. Either this or `topics`.',
      }),
    ),
    consumerGroup: Type.Optional(
      text({
        pattern: '^\\S(?:.*\\S)?$',
        expected: 'a text without blanks at either end',
        annotation: 'consumer-group',
        defaultRule: 'millrace.<namespace>.<name>',
        example: 'millrace.default.order-mailer',
        description:
          'The consumer group, which no other trigger has; one that begins with `millrace.` is of the namespace that comes after. Immutable.',
      }),
    ),
    initialOffset: withDefault(
      'latest',
      text({
        format: 'initial-offset',
        annotation: 'initial-offset',
        description:
          'Where the group begins in a partition that it has no offset for: `earliest`, `latest` or a time.',
      }),
    ),
  },
);

export const eventSchema = mapping(
  { description: 'How records that are not CloudEvents already become events.' },
  {
    type: withDefault('dev.millrace.record', text({ minLength: 1, description: 'The attribute `type`.' })),
    source: Type.Optional(
      text({
        pattern: '^\\S+$',
        expected: 'a URI or a path, without blanks',
        defaultRule: '/kafka/<cluster>/<topic>',
        example: '/kafka/main/orders',
        description: 'The attribute `source`.',
      }),
    ),
    dialect: withDefault(
      'millrace',
      Type.Enum(['millrace', 'knative'], {
        description: '`knative` gives id, source, type and extensions as Knative’s KafkaSource does.',
      }),
    ),
  },
);
