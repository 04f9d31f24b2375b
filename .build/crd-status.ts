// The schemas of the statuses (core/resources/trigger-status.ts), which only the controller writes.
import { conditionTypes } from '../core/resources/trigger-status.ts';
import type { StructuralSchema } from './crd-schema.ts';

const text = (description: string, maxLength: number): StructuralSchema => ({
  type: 'string',
  maxLength,
  description,
});

const conditions: StructuralSchema = {
  type: 'array',
  description: `The state, and what to do: ${conditionTypes.join(', ')}. Ready is True if all others are.`,
  maxItems: 32,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: text('The type of the condition.', 316),
      status: {
        type: 'string',
        enum: ['True', 'False', 'Unknown'],
        description: 'Whether the condition holds.',
      },
      reason: text('The reason, in one word.', 1_024),
      message: text('For people: what is the case, and what to do.', 32_768),
      lastTransitionTime: {
        type: 'string',
        format: 'date-time',
        description: 'When the status of the condition last changed.',
      },
      observedGeneration: {
        type: 'integer',
        format: 'int64',
        minimum: 0,
        description: 'The generation of the resource that the condition describes.',
      },
    },
  },
};

function statusWith(fields: Readonly<Record<string, StructuralSchema>>): StructuralSchema {
  const observedGeneration = {
    type: 'integer',
    format: 'int64',
    description: 'The generation of the resource that the status describes.',
  };
  return {
    type: 'object',
    description: 'The observed state. Only Millrace writes it.',
    properties: { observedGeneration, conditions, ...fields },
  };
}

/** Any object. It is written as a whole, so the API server need not remember who wrote which of its fields. */
const whole = (description: string): StructuralSchema => ({
  type: 'object',
  description,
  'x-kubernetes-preserve-unknown-fields': true,
  'x-kubernetes-map-type': 'atomic',
});

const accepted: StructuralSchema = {
  type: 'object',
  description: 'The last version that was accepted. It goes on while a later edit is wrong.',
  required: ['generation', 'spec'],
  properties: {
    generation: {
      type: 'integer',
      format: 'int64',
      minimum: 0,
      description: 'The generation of the resource that was accepted.',
    },
    spec: whole('The spec of that generation.'),
    cluster: whole('The KafkaCluster as it was resolved for it. Absent for the cluster of the installation.'),
  },
};

export const triggerStatus = statusWith({
  accepted,
  topics: text('The topics, separated by commas, or the pattern.', 131_072),
  function: text('The function: KIND/NAME of a workload, service/NAME or its uri.', 4_096),
  consumerGroup: text('The consumer group.', 4_096),
  backlog: text('Records that are not settled yet, in orders of magnitude: 0, 1-9, 10-99…; or unknown.', 64),
  replicas: {
    type: 'integer',
    format: 'int32',
    description: 'Replicas of the workload; 0 if nothing is scaled.',
  },
});

export const kafkaClusterStatus = statusWith({});
