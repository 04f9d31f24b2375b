import t from 'tap';
import { openManifest } from '../../../../core/resources/manifests/open-manifest.ts';
import type { YamlDocument } from '../../../../core/resources/manifests/yaml-documents.ts';

const documentOf = (value: unknown): YamlDocument => ({
  file: 'a.yaml',
  value,
  locate: () => ({ line: 1, column: 1 }),
});
const open = (value: unknown) => openManifest(documentOf(value));

t.test('the front doors', async (t) => {
  const trigger = { apiVersion: 'millrace.dev/v1alpha1', kind: 'Trigger' };
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment' };
  t.match(open(trigger), [{ kind: 'trigger', value: trigger, base: [], mistakes: [] }]);
  t.match(open(deployment), [{ kind: 'deployment', value: deployment, base: [], mistakes: [] }]);
  const cluster = { apiVersion: 'millrace.dev/v1alpha1', kind: 'KafkaCluster' };
  t.match(open(cluster), [{ kind: 'kafka-cluster', value: cluster, mistakes: [] }]);
  t.match(open({ apiVersion: 'v1', kind: 'List', items: [{ kind: 'Pod' }, trigger, null, deployment] }), [
    { kind: 'trigger', base: ['items', 1] },
    { kind: 'deployment', base: ['items', 3] },
  ]);
});

for (const value of [
  null,
  'text',
  7,
  [],
  {},
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'v1', kind: 'List', items: 'none' },
  { apiVersion: 'eventing.knative.dev/v1', kind: 'Trigger' },
  { apiVersion: 'kafka.strimzi.io/v1', kind: 'KafkaCluster' },
  {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { annotations: { 'millrace.dev/dev-command': 'a' } },
  },
  { apiVersion: 7, kind: 'Trigger' },
]) {
  t.test(`passed over: ${JSON.stringify(value)}`, async (t) => t.strictSame(open(value), []));
}

const annotations = { 'millrace.dev/topics': 'a' };
const version = { at: ['apiVersion'], message: /must be millrace.dev\/v1alpha1, is "/ };
for (const [value, kind, mistakes] of [
  [
    { apiVersion: 'millrace.dev/v1alpha1', kind: 'Triger' },
    'trigger',
    [
      {
        at: ['kind'],
        message: 'must be Trigger or KafkaCluster, is "Triger"',
        remedy: 'Write `kind: Trigger`.',
      },
    ],
  ],
  [
    { apiVersion: 'millrace.dev/v1alpha1', kind: 'Cluster' },
    'kafka-cluster',
    [{ at: ['kind'], remedy: 'Write `kind: KafkaCluster`.' }],
  ],
  [
    { apiVersion: 'millrace.dev/v1alpha1', kind: 7 },
    'none',
    [{ at: ['kind'], remedy: 'Write `kind: Trigger`.' }],
  ],
  [
    { apiVersion: 'millrace.dev/v1alpha1', spec: { source: {} } },
    'trigger',
    [{ at: ['kind'], message: 'is missing', remedy: 'Write `kind: Trigger`.' }],
  ],
  [
    { apiVersion: 'millrace.dev/v1alpha1', kind: 'X', spec: { strimzi: {} } },
    'kafka-cluster',
    [{ at: ['kind'], remedy: 'Write `kind: KafkaCluster`.' }],
  ],
  [{ apiVersion: 'millrace.dev/v1', kind: 'Trigger' }, 'trigger', [version]],
  [{ apiVersion: 'millrace.dev/v1', kind: 'KafkaCluster' }, 'kafka-cluster', [version]],
  [{ apiVersion: 'milrace.dev/v1alpha1', kind: 'X' }, 'none', [version, { at: ['kind'] }]],
  [{ apiVersion: 'millrace.dev' }, 'none', [version, { at: ['kind'] }]],
  [
    { kind: 'Trigger' },
    'trigger',
    [{ at: ['apiVersion'], message: 'is missing', remedy: /`apiVersion: millrace.dev\/v1alpha1`/ }],
  ],
  [{ kind: 'KafkaCluster' }, 'kafka-cluster', [{ at: ['apiVersion'], message: 'is missing' }]],
  [
    { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { annotations } },
    'none',
    [{ at: ['metadata', 'annotations', 'millrace.dev/topics'], message: /has no effect here/ }],
  ],
] as const) {
  t.test(`refused: ${JSON.stringify(value)}`, async (t) => {
    const [manifest, ...others] = open(value);
    t.equal(others.length, 0);
    t.equal(manifest?.kind, kind);
    t.equal(manifest?.mistakes.length, mistakes.length);
    t.match(manifest?.mistakes, mistakes);
    if (kind === 'none') return t.equal(manifest?.value, value);
    const names = { trigger: 'Trigger', 'kafka-cluster': 'KafkaCluster' };
    return t.match(manifest?.value, { apiVersion: 'millrace.dev/v1alpha1', kind: names[kind] });
  });
}

t.test('annotations on the pods are refused', async (t) => {
  const value = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    spec: { template: { metadata: { annotations } } },
  };
  t.match(open(value), [
    {
      kind: 'deployment',
      mistakes: [{ at: ['spec', 'template', 'metadata', 'annotations', 'millrace.dev/topics'], on: 'key' }],
    },
  ]);
});
