// The fields `spec.scale` of a Trigger: how many replicas the function gets, and how fast their number changes.
import { Type } from './schema-types.ts';
import { mapping, text, whole, withDefault } from './schema-notes.ts';

/** As a HorizontalPodAutoscaler allows them. */
const mostSeconds = { stabilizationWindow: 3_600, period: 1_800 } as const;
const mostPolicies = 16;

const policy = mapping(
  { example: { type: 'Percent', value: 100, periodSeconds: 15 } },
  {
    type: Type.Enum(['Pods', 'Percent'], {
      example: 'Percent',
      description: 'Whether `value` is a number of replicas, or a percentage of the present ones.',
    }),
    value: whole(1, { example: 100, description: 'The largest change in `periodSeconds`.' }),
    periodSeconds: whole(1, {
      maximum: mostSeconds.period,
      example: 15,
      description: 'The time in which the replicas may change by `value`.',
    }),
  },
);

/** `tolerance` is left out: not every API server that Millrace runs with has it. */
function scalingRules(direction: string, window: string) {
  return mapping(
    {
      description: `How fast replicas are ${direction}. Absent, or without a field: the default of Kubernetes.`,
      example: { policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
    },
    {
      stabilizationWindowSeconds: Type.Optional(
        whole(0, {
          maximum: mostSeconds.stabilizationWindow,
          example: 60,
          description: `The ${window} number of replicas that was wanted in so many seconds counts, so that their number does not flap.`,
        }),
      ),
      selectPolicy: Type.Optional(
        Type.Enum(['Max', 'Min', 'Disabled'], {
          example: 'Max',
          description: `Which policy counts: \`Max\` the one that allows the largest change, \`Min\` the smallest. \`Disabled\`: no replicas are ${direction}.`,
        }),
      ),
      policies: Type.Optional(
        Type.Array(policy, {
          minItems: 1,
          maxItems: mostPolicies,
          expected: `a list of 1 to ${mostPolicies} policies`,
          example: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
          description: 'How much the number of replicas may change in how much time.',
        }),
      ),
    },
  );
}

const behavior = mapping(
  {
    description:
      'How fast the number of replicas changes, as in `spec.behavior` of a HorizontalPodAutoscaler. It has no effect between zero replicas and one, where KEDA decides.',
    example: { scaleDown: { stabilizationWindowSeconds: 60 } },
  },
  {
    scaleUp: Type.Optional(scalingRules('added', 'lowest')),
    scaleDown: Type.Optional(scalingRules('removed', 'highest')),
  },
);

export const scaleSchema = mapping(
  { description: 'How many replicas the function gets for its backlog.' },
  {
    minReplicaCount: withDefault(
      0,
      whole(0, {
        annotation: 'min-replicas',
        description: 'The fewest replicas; as many stay while there is no backlog.',
      }),
    ),
    maxReplicaCount: withDefault(
      10,
      whole(1, { annotation: 'max-replicas', description: 'The most replicas.' }),
    ),
    lagThreshold: withDefault(
      10,
      whole(1, { annotation: 'lag-threshold', description: 'Records of backlog per replica.' }),
    ),
    targetDrainTime: Type.Optional(
      text({
        format: 'timeout',
        example: 'PT20S',
        description:
          'The time in which the replicas are to drain the backlog. Their number then follows the measured rate of a replica; until that is ' +
          'known, `lagThreshold` counts.',
      }),
    ),
    activationLagThreshold: withDefault(
      0,
      whole(0, { description: 'The first replica starts when the backlog is above this number of records.' }),
    ),
    pollingInterval: withDefault(
      10,
      whole(1, { annotation: 'polling-interval', description: 'Seconds between two polls of KEDA.' }),
    ),
    cooldownPeriod: withDefault(
      30,
      whole(0, {
        annotation: 'cooldown-period',
        description: 'Seconds without backlog before the last replica is removed.',
      }),
    ),
    behavior: Type.Optional(behavior),
  },
);
