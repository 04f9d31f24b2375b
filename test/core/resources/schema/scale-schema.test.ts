import t from 'tap';
import { scaleSchema } from '../../../../core/resources/schema/scale-schema.ts';
import { mistakesIn } from '../minimal-trigger.ts';

t.test('the defaults are those of the design', async (t) => {
  const { properties: scale } = scaleSchema;
  t.equal(scale.minReplicaCount.default, 0);
  t.equal(scale.maxReplicaCount.default, 10);
  t.equal(scale.lagThreshold.default, 10);
  t.equal(scale.activationLagThreshold.default, 0);
  t.equal(scale.pollingInterval.default, 10);
  t.equal(scale.cooldownPeriod.default, 30);
  t.notHas(scale.behavior, { default: 'any' });
});

const policy = { type: 'Pods', value: 2, periodSeconds: 1_800 };
for (const [path, value] of [
  ['spec.scale.minReplicaCount', 10],
  ['spec.scale.cooldownPeriod', 0],
  ['spec.scale.behavior', {}],
  ['spec.scale.behavior.scaleUp', { selectPolicy: 'Disabled' }],
  ['spec.scale.behavior.scaleDown', { stabilizationWindowSeconds: 3_600, policies: [policy] }],
  ['spec.scale.behavior.scaleDown.policies', [{ ...policy, type: 'Percent', value: 900 }]],
] as const) {
  t.test(`${path} may be ${JSON.stringify(value)}`, async (t) =>
    t.strictSame(mistakesIn({ [path]: value }), []),
  );
}

for (const [path, value] of [
  ['spec.scale.minReplicaCount', -1],
  ['spec.scale.maxReplicaCount', 0],
  ['spec.scale.maxReplicaCount', 2 ** 31],
  ['spec.scale.lagThreshold', 0],
  ['spec.scale.pollingInterval', 0],
  ['spec.scale.targetDrainTime', 'PT0S'],
  ['spec.scale.behavior.scaleUp.stabilizationWindowSeconds', 3_601],
  ['spec.scale.behavior.scaleUp.selectPolicy', 'max'],
  ['spec.scale.behavior.scaleUp.policies', []],
  ['spec.scale.behavior.scaleUp.policies', [{ ...policy, value: 0 }]],
  ['spec.scale.behavior.scaleUp.policies', [{ ...policy, periodSeconds: 1_801 }]],
  ['spec.scale.behavior.scaleUp.policies', [{ type: 'Pods', value: 1 }]],
  ['spec.scale.behavior.scaleUp.tolerance', 0.1],
] as const) {
  t.test(`${path} may not be ${JSON.stringify(value)}`, async (t) => {
    const mistakes = mistakesIn({ [path]: value });
    t.equal(mistakes.length, 1, mistakes.join('\n'));
    t.ok(mistakes[0]?.startsWith(path));
  });
}
