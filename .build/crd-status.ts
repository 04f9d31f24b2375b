// The schemas of statuses, which only the controller writes (core/resources/trigger-status.ts).
import { conditionTypes } from '../core/resources/trigger-status.ts';
import type { StructuralSchema } from './crd-schema.ts';

const text = (description: string, maxLength: number): StructuralSchema => ({
  type: 'string',
  maxLength,
  description,
});

const conditions: StructuralSchema = {
  type: 'array',
  description: `What is so, and what to do: ${conditionTypes.join(', ')}. Ready is all the others together.`,
  maxItems: 32,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: text('Which of them.', 316),
      status: { type: 'string', enum: ['True', 'False', 'Unknown'], description: 'Whether it is so.' },
      reason: text('Why, in one word.', 1_024),
      message: text('For people: what is so, and what to do.', 32_768),
      lastTransitionTime: {
        type: 'string',
        format: 'date-time',
        description: 'When the status of the condition changed last.',
      },
      observedGeneration: {
        type: 'integer',
        format: 'int64',
        minimum: 0,
        description: 'The generation of the resource that this was found of.',
      },
    },
  },
};

function statusWith(fields: Readonly<Record<string, StructuralSchema>>): StructuralSchema {
  const observedGeneration = {
    type: 'integer',
    format: 'int64',
    description: 'The generation that the status is of.',
  };
  return {
    type: 'object',
    description: 'What is so. Written by Millrace alone.',
    properties: { observedGeneration, conditions, ...fields },
  };
}

export const triggerStatus = statusWith({
  topics: text('The topics, with commas between them, or the pattern.', 131_072),
  function: text('Who answers: deployment/NAME, service/NAME or an address.', 4_096),
  consumerGroup: text('The consumer group.', 4_096),
  backlog: text('Records that are not delivered yet, in orders of magnitude: 0, 1-9, 10-99…', 64),
  replicas: { type: 'integer', format: 'int32', description: 'Replicas of the function.' },
});

export const kafkaClusterStatus = statusWith({});
