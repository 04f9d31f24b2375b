import { join } from 'node:path';
import t from 'tap';
import {
  placeExample,
  readExamples,
  type ClusterFunction,
} from '../../../../cli/demo/cluster/cluster-examples.ts';
import { readInstallation } from '../../../../cli/demo/cluster/installation.ts';
import type { Resource } from '../../../../core/contract/kubernetes-client.ts';
import { gatewayDeployment } from '../fixtures/gateway-deployment.ts';

const examples = await readExamples(join(import.meta.dirname, '../../../../functions-examples'));
const place = { namespace: 'demo', installation: readInstallation(gatewayDeployment()) };

function placed(name: string): ClusterFunction | undefined {
  return placeExample(
    examples.find((example) => example.name === name)!,
    place,
  );
}

function find({ resources }: ClusterFunction, kind: string): Resource {
  return resources.find((resource) => resource.kind === kind)!;
}

t.test('a function by annotations has its topics in them', async (t) => {
  const stats = placed('quake-stats')!;
  t.strictSame(
    stats.resources.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`),
    ['ConfigMap demo/quake-stats-code', 'Deployment demo/quake-stats'],
  );
  const { annotations } = find(stats, 'Deployment').metadata;
  t.match(annotations, {
    'millrace.dev/topics': 'demo.earthquakes',
    'millrace.dev/ordering': 'key',
    'millrace.dev/max-replicas': '4',
  });
  t.notOk('millrace.dev/dev-command' in annotations!);
  t.match(stats.subscription, { key: 'demo/quake-stats', source: { topics: ['demo.earthquakes'] } });
});

t.test('a function with a Trigger keeps all of it but the names of topics', async (t) => {
  const alerts = placed('quake-alerts')!;
  const trigger = find(alerts, 'Trigger');
  const before = examples.find(({ name }) => name === 'quake-alerts')!.resources[0]!;
  const spec = before.spec as Record<string, object>;
  t.strictSame(trigger.spec, {
    ...spec,
    source: { ...spec.source, topics: ['demo.earthquakes'] },
    delivery: { deadLetter: { topic: 'demo.earthquakes.dead' } },
    reply: { topic: 'demo.quake-notices' },
  });
  t.equal(trigger.metadata.namespace, 'demo');
  t.equal(alerts.subscription.filters.length, 1);
});

t.test(
  'its pods are of the image of the installation, restricted, with the code of the example',
  async (t) => {
    const stats = placed('quake-stats')!;
    t.match(find(stats, 'ConfigMap').data, { 'function.js': /createServer/ });
    const { replicas, selector, template } = find(stats, 'Deployment').spec as {
      replicas: number;
      selector: object;
      template: { metadata: object; spec: { containers: object[] } };
    };
    t.equal(replicas, 0);
    t.strictSame(selector, { matchLabels: { app: 'quake-stats' } });
    t.strictSame(template.metadata, { labels: { app: 'quake-stats' } });
    t.match(template.spec, {
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      volumes: [{ configMap: { name: 'quake-stats-code' } }],
    });
    t.match(template.spec.containers, [
      {
        image: 'registry/millrace:1',
        imagePullPolicy: 'Always',
        command: ['node', '/app/functions/function.js'],
        ports: [{ containerPort: 8080 }],
        volumeMounts: [{ mountPath: '/app/functions' }],
        readinessProbe: { tcpSocket: { port: 8080 } },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ]);
  },
);

t.test('an example that Node cannot run is left out', async (t) => {
  t.equal(placed('quake-map'), undefined);
});

t.test('a trigger with a mistake is a discrepancy of ours', async (t) => {
  const example = examples.find(({ name }) => name === 'quake-stats')!;
  t.throws(() => placeExample({ ...example, resources: [] }, place), /quake-stats has no trigger/);
  const [deployment] = example.resources;
  const annotations = { ...deployment!.metadata.annotations, 'millrace.dev/ordering': 'sideways' };
  const wrong = { ...deployment!, metadata: { ...deployment!.metadata, annotations } };
  t.throws(() => placeExample({ ...example, resources: [wrong] }, place), /quake-stats: .*ordering/);
});
