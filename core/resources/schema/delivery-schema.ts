// The fields `spec.delivery` and `spec.reply` of a Trigger: order, retries, dead letters and replies.
import { Type } from './schema-types.ts';
import { mapping, text, whole, withDefault } from './schema-notes.ts';

const deadLetter = mapping(
  {
    description:
      'Where records go that the function does not take. Without it such a record blocks its lane until it is delivered or skipped; log ' +
      'and metrics report it.',
    example: { topic: 'orders.dead' },
  },
  {
    topic: text({
      format: 'topic-name',
      annotation: 'dead-letter-topic',
      example: 'orders.dead',
      description:
        'The topic for dead letters. It must not be one that the trigger reads, or its records would come back for ever.',
    }),
  },
);

const rateLimit = mapping(
  {
    description: 'The highest rate of events to the function. Retries count too.',
    example: { eventsPerSecond: 100 },
  },
  {
    eventsPerSecond: whole(1, {
      example: 100,
      description: 'Events a second, in each gateway process that has partitions of the trigger.',
    }),
    burst: Type.Optional(
      whole(1, {
        defaultRule: '<eventsPerSecond>',
        example: 200,
        description: 'The most events that may be sent at once after a quiet time.',
      }),
    ),
  },
);

export const deliverySchema = mapping(
  {
    description:
      'In which order records are delivered, how long an attempt may take, and how often it is retried.',
  },
  {
    ordering: withDefault(
      'partition',
      Type.Enum(['partition', 'key', 'none'], {
        annotation: 'ordering',
        description:
          'Which records stay in order: those of a partition, those of a key in a partition, or none.',
      }),
    ),
    timeout: withDefault(
      'PT30S',
      text({ format: 'timeout', annotation: 'timeout', description: 'How long one attempt may take.' }),
    ),
    retry: withDefault(
      10,
      whole(-1, { annotation: 'retry', description: 'The most attempts after the first. -1: no limit.' }),
    ),
    backoffPolicy: withDefault(
      'exponential',
      Type.Enum(['linear', 'exponential'], {
        annotation: 'backoff-policy',
        description:
          'How the delay grows from attempt to attempt: `linear` is `backoffDelay` × attempts, `exponential` doubles it. Both have full jitter.',
      }),
    ),
    backoffDelay: withDefault(
      'PT0.3S',
      text({
        format: 'wait',
        annotation: 'backoff-delay',
        description: 'The delay after the first attempt, before jitter.',
      }),
    ),
    backoffMax: withDefault(
      'PT60S',
      text({
        format: 'wait',
        description: 'The longest delay between attempts, unless a `Retry-After` asks for more.',
      }),
    ),
    retryAfterMax: withDefault(
      'PT5M',
      text({
        format: 'wait',
        description: 'The longest `Retry-After` of a function that is honoured. A longer one counts as this.',
      }),
    ),
    maxAge: Type.Optional(
      text({
        format: 'age',
        example: 'PT24H',
        description: 'A record that is older before its first attempt is dead-lettered without one.',
      }),
    ),
    maxParkedKeys: withDefault(
      1_000,
      whole(1, {
        description:
          'The most keys of a partition that may wait for a retry, or be blocked, at a time. Beyond that, no more of the partition is ' +
          'fetched. With `ordering: key` only.',
      }),
    ),
    rateLimit: Type.Optional(rateLimit),
    deadLetter: Type.Optional(deadLetter),
  },
);

export const replySchema = mapping(
  {
    description: 'Where to store the events that the function answers with.',
    example: { topic: 'order-notices' },
  },
  {
    topic: text({
      format: 'topic-name',
      annotation: 'reply-topic',
      example: 'order-notices',
      description:
        'The topic for replies. It must not be one that the trigger reads, or its records would come back for ever.',
    }),
    transactional: withDefault(
      false,
      Type.Boolean({
        description:
          'Whether replies, dead letters and the commit of their records’ offsets are one Kafka transaction.',
      }),
    ),
  },
);
