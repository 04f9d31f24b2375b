// The reasons of Accepted, SourceReady and DeadLetterReady, those of several conditions, and those of Events alone.
import type { ReasonRow } from './reason-row.ts';

const passes = 'It passes within seconds.';
const logOfGateways = 'If it lasts, read the log of the gateways.';

export const sourceReasons = {
  Ready: { of: ['Ready'], meaning: 'All other conditions are True.', remedy: '' },

  Accepted: { of: ['Accepted'], meaning: 'The Trigger is valid.', remedy: '' },
  AnnotationsIgnored: {
    of: ['Accepted', 'Event'],
    meaning: 'A Deployment has annotations, but the Trigger of its name was not made from them.',
    remedy: 'Remove the annotations, or delete the Trigger.',
  },
  InvalidSpec: {
    of: ['Accepted'],
    meaning: 'The Trigger has mistakes. What an earlier version of it made stays.',
    remedy: 'Correct what the message names. It has the nearest right name.',
  },
  InvalidAnnotations: {
    of: ['Accepted'],
    meaning:
      'The annotations of the Deployment have mistakes, or the API server refuses the Trigger that they mean.',
    remedy: 'Correct what the message names. It has the nearest right name.',
  },
  NotBuilt: {
    of: ['Accepted'],
    meaning: 'The Trigger asks for something that this release does not have.',
    remedy: 'Remove the field.',
  },
  UriNotAllowed: {
    of: ['Accepted'],
    meaning: 'The installation does not accept `function.uri`, or not this address.',
    remedy: 'Name a workload or a Service, or ask whoever runs Millrace for `functions.uris`.',
  },
  UnknownCluster: {
    of: ['Accepted'],
    meaning: 'There is no KafkaCluster of this name.',
    remedy: 'Create it in the namespace of the Trigger, or correct `source.cluster`.',
  },
  ClusterNotGranted: {
    of: ['Accepted', 'SourceReady'],
    meaning:
      'The KafkaCluster of another namespace does not exist, or does not list this namespace in `allowedNamespaces`. Nothing is read.',
    remedy: 'Ask its owner to list the namespace.',
  },
  InvalidCluster: {
    of: ['Accepted'],
    meaning: 'The KafkaCluster has mistakes.',
    remedy: 'Correct what the message names.',
  },
  ClusterUnresolved: {
    of: ['Accepted'],
    meaning:
      'The Strimzi resources or the binding that the KafkaCluster names do not exist, or are not ready.',
    remedy: 'Create them, or wait until they are ready.',
  },
  ConsumerGroupTaken: {
    of: ['Accepted'],
    meaning: 'An older Trigger has this consumer group. Each would take partitions from the other.',
    remedy:
      'A group cannot be changed: delete the Trigger, and create it again with another group or without one.',
  },

  NotAccepted: {
    of: ['SourceReady', 'FunctionReady', 'ScalerReady', 'DeadLetterReady'],
    meaning: 'Nothing is checked, because the Trigger is not accepted.',
    remedy: 'See the condition Accepted.',
  },
  NotCheckedYet: {
    of: ['Accepted', 'SourceReady', 'FunctionReady', 'ScalerReady', 'DeadLetterReady'],
    meaning: 'The controller has not asked yet.',
    remedy: passes,
  },
  ReconcileFailed: {
    of: ['Accepted', 'FunctionReady', 'ScalerReady', 'Event'],
    meaning:
      'A step of the controller failed: a read, or a write of what the condition is about. The message has the cause. The controller tries again by itself, after up to a minute.',
    remedy: 'Remove the cause that the message names. The log of the scaler has more.',
  },

  Consuming: { of: ['SourceReady'], meaning: 'All partitions are assigned to gateways.', remedy: '' },
  Suspended: {
    of: ['SourceReady'],
    meaning: 'Nothing is read or delivered while `spec.suspend` is true.',
    remedy: 'Set it to false to continue.',
  },
  TopicMissing: {
    of: ['SourceReady', 'DeadLetterReady'],
    meaning: 'A topic that the Trigger reads does not exist, or its topic for dead letters.',
    remedy: 'Create it. Millrace creates none, and goes on within seconds.',
  },
  NoTopicMatches: {
    of: ['SourceReady'],
    meaning: 'No topic matches the pattern.',
    remedy: 'Create one. The Trigger reads it as soon as it exists.',
  },
  KafkaUnreachable: {
    of: ['SourceReady', 'DeadLetterReady'],
    meaning: 'The scaler cannot reach the brokers.',
    remedy: 'Check name, port, and the NetworkPolicy of Kafka.',
  },
  KafkaUnauthenticated: {
    of: ['SourceReady'],
    meaning: 'Kafka does not accept the credentials.',
    remedy: 'Correct them, or name a listener that takes them.',
  },
  KafkaForbidden: {
    of: ['SourceReady', 'DeadLetterReady'],
    meaning: 'The Kafka user lacks the right that the message names.',
    remedy: 'Grant it by an ACL.',
  },
  AddressRefused: {
    of: ['SourceReady'],
    meaning: 'Brokers or a token endpoint are at an address that tenants may not name.',
    remedy: 'Name another address, or ask whoever runs Millrace for `tenantAddresses`.',
  },
  CredentialsUnusable: {
    of: ['SourceReady'],
    meaning: 'A Secret or file with credentials is missing, or its content cannot be used.',
    remedy: 'Correct what the message names. It is read again by itself.',
  },
  SecretForbidden: {
    of: ['SourceReady'],
    meaning: 'Millrace may not read a Secret that the KafkaCluster names.',
    remedy: 'Ask whoever runs Millrace to list it in `secretAccess`.',
  },
  KafkaFailed: {
    of: ['SourceReady'],
    meaning: 'Kafka answered with an error.',
    remedy: 'Read the cause in the message. Millrace asks again by itself.',
  },
  NoGateway: {
    of: ['SourceReady'],
    meaning: 'No gateway is in the consumer group.',
    remedy: `${passes} If it lasts, check that the gateways run, and read their log.`,
  },
  Rebalancing: {
    of: ['SourceReady'],
    meaning: 'The consumer group is rebalancing.',
    remedy: `${passes} ${logOfGateways}`,
  },
  PartitionsUnassigned: {
    of: ['SourceReady'],
    meaning: 'Some partitions are assigned to no gateway.',
    remedy: `${passes} ${logOfGateways}`,
  },
  OffsetsMissing: {
    of: ['SourceReady'],
    meaning: 'The consumer group has not committed an offset for each partition yet.',
    remedy: `${passes} ${logOfGateways}`,
  },

  NotUsed: {
    of: ['DeadLetterReady'],
    meaning: 'The Trigger has no dead-letter topic. A record that cannot be delivered blocks its lane.',
    remedy: '',
  },
  TopicExists: { of: ['DeadLetterReady'], meaning: 'Dead letters have a topic.', remedy: '' },
  ReplyTopicMissing: {
    of: ['DeadLetterReady'],
    meaning: 'The topic for replies does not exist. A record that needs it blocks its lane.',
    remedy: 'Create it.',
  },

  AnnotationsRefused: {
    of: ['Event'],
    meaning:
      'The API server refuses the Trigger that the annotations of a Deployment mean. The Trigger stays as it was.',
    remedy: 'Correct what the message names.',
  },
  DrainTimedOut: {
    of: ['Event'],
    meaning: 'A deleted Trigger no longer waits for something: gateways that leave, or KEDA.',
    remedy: '',
  },
} as const satisfies Record<string, ReasonRow>;
