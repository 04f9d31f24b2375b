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
for (const [value, mistake] of [
  [
    { apiVersion: 'millrace.dev/v1alpha1', kind: 'Triger' },
    { at: ['kind'], message: 'must be Trigger or KafkaCluster, is "Triger"' },
  ],
  [
    { apiVersion: 'millrace.dev/v1alpha1', kind: 'Cluster' },
    { at: ['kind'], remedy: 'Write `kind: KafkaCluster`.' },
  ],
  [
    { apiVersion: 'millrace.dev/v1alpha1', kind: 7 },
    { at: ['kind'], remedy: 'Write `kind: Trigger`.' },
  ],
  [
    { apiVersion: 'millrace.dev/v1alpha1' },
    { at: ['kind'], message: 'is missing', remedy: 'Write `kind: Trigger`.' },
  ],
  [
    { apiVersion: 'millrace.dev/v1', kind: 'Trigger' },
    { at: ['apiVersion'], message: 'must be millrace.dev/v1alpha1, is "millrace.dev/v1"' },
  ],
  [
    { apiVersion: 'milrace.dev/v1alpha1', kind: 'X' },
    { at: ['apiVersion'], message: /must be millrace.dev\/v1alpha1/ },
  ],
  [{ apiVersion: 'millrace.dev' }, { at: ['apiVersion'] }],
  [
    { kind: 'Trigger' },
    { at: ['apiVersion'], message: 'is missing', remedy: /`apiVersion: millrace.dev\/v1alpha1`/ },
  ],
  [
    { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { annotations } },
    { at: ['metadata', 'annotations', 'millrace.dev/topics'], message: /has no effect here/ },
  ],
] as const) {
  t.test(`refused: ${JSON.stringify(value)}`, async (t) => {
    t.match(open(value), [{ kind: 'none', value, mistakes: [mistake] }]);
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
