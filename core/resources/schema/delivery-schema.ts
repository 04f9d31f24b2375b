// The fields `spec.delivery`, `spec.reply` and `spec.scale` of a Trigger: what is promised of a record, and
// for what price.
import { Type } from 'typebox';
import { mapping, text, whole, withDefault } from './schema-notes.ts';

const deadLetter = mapping(
  {
    description: 'Without it an exhausted record blocks its lane, loudly.',
    example: { topic: 'orders.dead' },
  },
  {
    topic: text({
      format: 'topic-name',
      annotation: 'dead-letter-topic',
      example: 'orders.dead',
      description: 'Where records go that the function will not take. No topic that the trigger reads.',
    }),
  },
);

const rateLimit = mapping(
  {
    description: 'How fast events go to the function at most, attempts after the first included.',
    example: { eventsPerSecond: 100 },
  },
  {
    eventsPerSecond: whole(1, {
      example: 100,
      description: 'Of each gateway process that has partitions of the trigger.',
    }),
    burst: Type.Optional(
      whole(1, {
        defaultRule: '<eventsPerSecond>',
        example: 200,
        description: 'Events that may go at once after a quiet time.',
      }),
    ),
  },
);

export const deliverySchema = mapping(
  { description: 'How often, how long and in what order.' },
  {
    ordering: withDefault(
      'partition',
      Type.Enum(['partition', 'key', 'none'], {
        annotation: 'ordering',
        description: 'What stays in order: the records of a partition, those of a key, or nothing.',
      }),
    ),
    timeout: withDefault(
      'PT30S',
      text({ format: 'timeout', annotation: 'timeout', description: 'Of one attempt.' }),
    ),
    retry: withDefault(
      10,
      whole(-1, { annotation: 'retry', description: 'Attempts after the first; -1 for ever.' }),
    ),
    backoffPolicy: withDefault(
      'exponential',
      Type.Enum(['linear', 'exponential'], {
        annotation: 'backoff-policy',
        description: 'How the wait grows from attempt to attempt; both with full jitter.',
      }),
    ),
    backoffDelay: withDefault(
      'PT0.3S',
      text({
        format: 'wait',
        annotation: 'backoff-delay',
        description: 'The wait after the first attempt, before jitter.',
      }),
    ),
    backoffMax: withDefault(
      'PT60S',
      text({ format: 'wait', description: 'The longest wait between attempts.' }),
    ),
    retryAfterMax: withDefault(
      'PT5M',
      text({ format: 'wait', description: 'The longest `Retry-After` of a function that is honoured.' }),
    ),
    maxAge: Type.Optional(
      text({ format: 'age', example: 'PT24H', description: 'Older records are dead-lettered unattempted.' }),
    ),
    maxParkedKeys: withDefault(
      1_000,
      whole(1, {
        description:
          'Keys of a partition that may wait for a retry, or block, at a time: with more, no more of it is fetched. With `ordering: key` only.',
      }),
    ),
    rateLimit: Type.Optional(rateLimit),
    deadLetter: Type.Optional(deadLetter),
  },
);

export const replySchema = mapping(
  { description: 'Where the events go that the function answers with.', example: { topic: 'order-notices' } },
  {
    topic: text({
      format: 'topic-name',
      annotation: 'reply-topic',
      example: 'order-notices',
      description: 'No topic that the trigger reads.',
    }),
    transactional: withDefault(
      false,
      Type.Boolean({
        description: 'Replies, dead letters and the offset commit are one Kafka transaction.',
      }),
    ),
  },
);

export const scaleSchema = mapping(
  { description: 'How many replicas for how much backlog.' },
  {
    minReplicaCount: withDefault(
      0,
      whole(0, { annotation: 'min-replicas', description: 'Replicas of an empty topic.' }),
    ),
    maxReplicaCount: withDefault(
      10,
      whole(1, { annotation: 'max-replicas', description: 'Never more replicas than this.' }),
    ),
    lagThreshold: withDefault(
      10,
      whole(1, { annotation: 'lag-threshold', description: 'Backlog per replica.' }),
    ),
    targetDrainTime: Type.Optional(
      text({
        format: 'timeout',
        example: 'PT20S',
        description:
          'Scale so that the backlog is gone after this time, at the rate that the replicas work at; `lagThreshold` counts until that is known.',
      }),
    ),
    activationLagThreshold: withDefault(
      0,
      whole(0, { description: 'The first replica comes when the backlog is above this.' }),
    ),
    pollingInterval: withDefault(
      10,
      whole(1, { annotation: 'polling-interval', description: 'Seconds between two looks of KEDA.' }),
    ),
    cooldownPeriod: withDefault(
      30,
      whole(0, {
        annotation: 'cooldown-period',
        description: 'Seconds without backlog before the last replica goes.',
      }),
    ),
  },
);
