// The controller with KEDA's oldest and newest CRDs, and with functions that are no Deployments, on a real API server.
import t from 'tap';
import { namespaceKind, scaledObjectKind, serviceKind, triggerKind } from '../../core/resources/kinds.ts';
import { valueAt } from '../../core/contract/path.ts';
import { createTopic, useKafka } from '../fixtures/kafka/kafka.ts';
import { apiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { startControlPlane } from '../lab/control-plane.ts';
import { oldestKeda } from '../lab/keda.ts';
import { until } from '../scaler/fixtures/until.ts';
import { applyCrds, applyKedaCrds, install } from './fixtures/installation.ts';
import { createTenant, openClient, type Tenant } from './fixtures/tenant.ts';

t.setTimeout(300_000);
// An API server of its own: others have the newest CRDs.
const plane = await startControlPlane();
t.teardown(() => plane.stop());
const server = apiServer(plane.kubeconfig);
await applyCrds(server);
await applyKedaCrds(server, oldestKeda);
const bootstrapServers = await useKafka(t);
const client = await openClient(t, server.kubeconfig);
const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
const installation = await install(t, { server, bootstrapServers });

function write(tenant: Tenant, name: string, ref: object): Promise<unknown> {
  return client.create({
    apiVersion: triggerKind.apiVersion,
    kind: triggerKind.kind,
    metadata: { name, namespace: tenant.namespace },
    spec: { source: { topics: [topic] }, function: { ref } },
  });
}

const labels = { app: 'mailer' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'function', image: 'none' }] } };

t.test(
  'the oldest KEDA gets a ScaledObject without the field that its CRD lacks; an upgrade brings it',
  async (t) => {
    const tenant = await createTenant(t, server, client);
    await tenant.deploy('mailer', { topics: topic });
    const { metadata, spec } = await tenant.untilThere(scaledObjectKind, 'mailer');
    t.equal(valueAt(spec, ['fallback']), undefined);
    await tenant.kedaSays('mailer', 'True');
    await tenant.untilCondition('mailer', 'ScalerReady', 'Scaled');

    await applyKedaCrds(server);
    await installation.restartScaler();
    await until(async () => {
      const found = await tenant.find(scaledObjectKind, 'mailer');
      return (
        found?.metadata.uid === metadata.uid &&
        valueAt(found?.spec, ['fallback', 'behavior']) === 'currentReplicas'
      );
    }, 30_000);
  },
);

t.test('a StatefulSet is scaled as a Deployment is', async (t) => {
  const tenant = await createTenant(t, server, client);
  const { namespace } = tenant;
  await write(tenant, 'mailer', { kind: 'StatefulSet', name: 'mailer' });
  await tenant.untilCondition('mailer', 'FunctionReady', 'WorkloadMissing');
  await client.create({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'mailer', namespace },
    spec: { replicas: 0, serviceName: 'mailer', selector: { matchLabels: labels }, template },
  });
  await tenant.untilCondition('mailer', 'FunctionReady', 'WorkloadExists');
  t.match(await tenant.untilThere(serviceKind, 'mailer-millrace'), { spec: { selector: labels } });
  t.match(await tenant.untilThere(scaledObjectKind, 'mailer'), {
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'mailer' } },
  });
});

t.test('so is a kind of one’s own, once it has a scale subresource', async (t) => {
  const tenant = await createTenant(t, server, client);
  const { namespace } = tenant;
  const worker = { apiVersion: 'test.millrace.dev/v1', kind: 'Worker' };
  await write(tenant, 'worker', { ...worker, name: 'mailer' });
  await tenant.untilCondition('worker', 'FunctionReady', 'KindNotServed');
  await server.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(workerCrd({})));
  await until(
    () => client.create({ ...worker, metadata: { name: 'mailer', namespace }, spec: { replicas: 2 } }),
    30_000,
  );
  await tenant.untilCondition('worker', 'FunctionReady', 'KindNotScalable');
  const paths = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' };
  const scale = { ...paths, labelSelectorPath: '.status.selector' };
  await server.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(workerCrd({ scale })));
  await tenant.untilCondition('worker', 'FunctionReady', 'SelectorNotSupported');

  const says = (selector: string) =>
    client.apply(
      { ...worker, metadata: { name: 'mailer', namespace }, status: { replicas: 2, selector } },
      { fieldManager: 'worker', force: true, subresource: 'status' },
    );
  await says('app=mailer,tier in (front,back)');
  const told = await tenant.untilMessage('worker', 'FunctionReady', /tier in \(front,back\)/);
  t.match(told, { reason: 'SelectorNotSupported', message: /function\.service/ });
  t.equal(await tenant.find(serviceKind, 'worker-millrace'), undefined, 'no Service selects too many pods');
  await says('app=mailer,tier in (front)');
  await tenant.untilCondition('worker', 'FunctionReady', 'WorkloadExists');
  t.match(await tenant.untilThere(serviceKind, 'worker-millrace'), {
    spec: { selector: { app: 'mailer', tier: 'front' } },
  });
  t.match(await tenant.untilThere(scaledObjectKind, 'worker'), {
    spec: { scaleTargetRef: { ...worker, name: 'mailer' } },
  });
  t.match(await tenant.find(triggerKind, 'worker'), {
    status: { function: 'worker/mailer', replicas: 2, accepted: { generation: 1 } },
  });
});

t.test('a namespace that is deleted goes, with the triggers in it', async (t) => {
  const tenant = await createTenant(t, server, client);
  await tenant.deploy('mailer', { topics: topic });
  await tenant.untilThere(scaledObjectKind, 'mailer');
  await tenant.edit(scaledObjectKind, 'mailer', { metadata: { finalizers: ['finalizer.keda.sh'] } });
  await client.remove(namespaceKind, '', tenant.namespace);
  await tenant.untilGone(triggerKind, 'mailer');
  t.ok(await tenant.find(scaledObjectKind, 'mailer'), 'KEDA is not waited for');
  await tenant.edit(scaledObjectKind, 'mailer', { metadata: { finalizers: [] } });
});

function workerCrd(subresources: object): object {
  const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const replicas = { type: 'integer' };
  const schema = {
    type: 'object',
    properties: {
      spec: { ...open, properties: { replicas } },
      status: { ...open, properties: { replicas, selector: { type: 'string' } } },
    },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'workers.test.millrace.dev' },
    spec: {
      group: 'test.millrace.dev',
      scope: 'Namespaced',
      names: { kind: 'Worker', plural: 'workers' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {}, ...subresources },
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
  };
}
