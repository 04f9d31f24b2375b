// The controller on a real API server and a real Kafka, with the rights of the chart: what it makes of annotations and Triggers, and their
// conditions meanwhile. KEDA's CRDs are installed without KEDA: the test sets the status of a ScaledObject.
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import {
  configMapKind,
  deploymentKind,
  scaledObjectKind,
  serviceKind,
  triggerAuthenticationKind,
  triggerKind,
} from '../../core/resources/kinds.ts';
import type { Resource, ResourceKind } from '../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../core/contract/path.ts';
import { drainFinalizer } from '../../controller/ownership.ts';
import { createTopic, uniqueName, useKafka } from '../fixtures/kafka/kafka.ts';
import { apiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { startControlPlane } from '../lab/control-plane.ts';
import { until } from '../scaler/fixtures/until.ts';
import { applyCrds, applyKedaCrds, install } from './fixtures/installation.ts';
import { createTenant, joinGroup, openClient, type Annotations, type Tenant } from './fixtures/tenant.ts';

t.setTimeout(300_000);
// An API server of its own, because this test adds and removes CRDs, and its controller serves all namespaces.
const plane = await startControlPlane();
t.teardown(() => plane.stop());
const server = apiServer(plane.kubeconfig);
await applyCrds(server);
const bootstrapServers = await useKafka(t);
const client = await openClient(t, server.kubeconfig);
const installation = await install(t, { server, bootstrapServers });
const topic = await createTopic(t, bootstrapServers, { partitions: 2 });

const uid = ({ metadata }: Resource): string | undefined => metadata.uid;

interface Deployed {
  readonly tenant: Tenant;
  readonly deployment: Resource;
  readonly group: string;
  readonly trigger: Resource;
  readonly service: Resource;
  readonly scaledObject: Resource;
}

/** A Deployment `mailer` with everything that the controller makes for its annotations. */
async function deploy(t: Test, annotations: Annotations = {}): Promise<Deployed> {
  const tenant = await createTenant(t, server, client);
  const deployment = await tenant.deploy('mailer', { topics: topic, ...annotations });
  const trigger = await tenant.untilThere(triggerKind, 'mailer');
  const service = await tenant.untilThere(serviceKind, 'mailer-millrace');
  const scaledObject = await tenant.untilThere(scaledObjectKind, 'mailer');
  const group = `millrace.${tenant.namespace}.mailer`;
  return { tenant, deployment, group, trigger, service, scaledObject };
}

t.test('the controller makes what a function needs, and its conditions say what is missing', async (t) => {
  const tenant = await createTenant(t, server, client);
  const deployment = await tenant.deploy('mailer', { topics: topic, 'max-replicas': '7' });
  const trigger = await tenant.untilThere(triggerKind, 'mailer');
  t.match(trigger, {
    metadata: { ownerReferences: [{ kind: 'Deployment', name: 'mailer', uid: uid(deployment) }] },
    spec: { source: { topics: [topic] }, function: { ref: { kind: 'Deployment', name: 'mailer' } } },
  });
  const owner = { ownerReferences: [{ kind: 'Trigger', name: 'mailer', uid: uid(trigger) }] };
  const service = await tenant.untilThere(serviceKind, 'mailer-millrace');
  t.match(service, { metadata: owner, spec: { clusterIP: 'None', selector: { app: 'mailer' } } });

  await t.test(
    'without KEDA the controller makes everything else, and the ScaledObject once KEDA is there',
    async (t) => {
      const missing = await tenant.untilCondition('mailer', 'ScalerReady', 'KedaMissing');
      t.match(missing, { status: 'False', message: /Install KEDA/ });
      await applyKedaCrds(server);
      const scaledObject = await tenant.untilThere(scaledObjectKind, 'mailer');
      const metadata = { scalerAddress: installation.scalerAddress, trigger: 'mailer', enableTLS: 'true' };
      t.match(scaledObject, {
        metadata: owner,
        spec: {
          scaleTargetRef: { kind: 'Deployment', name: 'mailer' },
          maxReplicaCount: 7,
          triggers: [{ type: 'external-push', metadata, authenticationRef: { name: 'millrace-scaler-ca' } }],
        },
      });
      t.ok(await tenant.find(triggerAuthenticationKind, 'millrace-scaler-ca'));
      const trust = await tenant.find(configMapKind, 'millrace-scaler-ca');
      t.match(trust, { metadata: { ownerReferences: undefined }, data: { 'ca.crt': installation.ca } });
      await tenant.untilCondition('mailer', 'ScalerReady', 'WaitingForKeda');
      await tenant.kedaSays('mailer', 'True');
      await tenant.untilCondition('mailer', 'ScalerReady', 'Scaled');
    },
  );

  await t.test('the trigger is ready once a gateway consumes', async (t) => {
    t.match(await tenant.untilCondition('mailer', 'SourceReady', 'NoGateway'), { status: 'False' });
    t.match(await tenant.condition('mailer', 'Ready'), { status: 'False', reason: 'NoGateway' });
    await tenant.untilEvent('NoGateway', trigger);
    await installation.startGateway(t);
    await tenant.untilCondition('mailer', 'SourceReady', 'Consuming');
    const ready = await tenant.untilCondition('mailer', 'Ready', 'Ready');
    t.match(ready, { status: 'True', observedGeneration: 1 });
    await tenant.untilEvent('Ready', trigger);
    const row = await server.kubectl(['get', 'mtr', 'mailer', '-n', tenant.namespace, '--no-headers']);
    const columns = ['mailer', 'True', 'Ready', topic, 'deployment/mailer', '0', '0'];
    t.strictSame(row.trim().split(/\s+/).slice(0, -1), columns);

    await tenant.annotate('mailer', { 'max-replicas': '8' });
    await until(async () => (await tenant.condition('mailer', 'Ready'))?.observedGeneration === 2);
    const edited = await tenant.find(scaledObjectKind, 'mailer');
    t.equal(valueAt(edited, ['spec', 'maxReplicaCount']), 8);
    t.equal(valueAt(await tenant.find(triggerKind, 'mailer'), ['status', 'observedGeneration']), 2);

    await tenant.kedaSays('mailer', 'False', 'no such thing');
    const condition = await tenant.untilCondition('mailer', 'Ready', 'KedaRefuses');
    t.match(condition, { status: 'False', message: /no such thing/ });
    t.match(await tenant.untilEvent('KedaRefuses', trigger), { type: 'Warning', note: /no such thing/ });
  });
});

t.test(
  'without the annotation everything is removed: first the members leave the group, then the ScaledObject goes',
  async (t) => {
    const { tenant, group, trigger, scaledObject } = await deploy(t);
    const member = await joinGroup(t, bootstrapServers, { group, topic });
    await tenant.untilCondition('mailer', 'SourceReady', 'Consuming');
    t.match((await tenant.find(triggerKind, 'mailer'))?.metadata, { finalizers: [drainFinalizer] });
    const finalizers = ['finalizer.keda.sh'];
    await tenant.edit(scaledObjectKind, 'mailer', { metadata: { finalizers } });

    await tenant.annotate('mailer', { topics: undefined });
    const isGoing = async (kind: ResourceKind, one: Resource): Promise<boolean> => {
      const found = await tenant.find(kind, 'mailer');
      if (found !== undefined) t.equal(uid(found), uid(one));
      return found?.metadata.deletionTimestamp !== undefined;
    };
    await until(() => isGoing(triggerKind, trigger));
    await delay(2_500); // the controller polls the group every second
    t.notOk(await isGoing(scaledObjectKind, scaledObject), 'the group still has a member');
    await member.leave();
    await until(() => isGoing(scaledObjectKind, scaledObject));
    await delay(1_500);
    t.ok(await isGoing(triggerKind, trigger), 'KEDA has not removed its finalizer');
    await tenant.edit(scaledObjectKind, 'mailer', { metadata: { finalizers: [] } });

    await tenant.untilGone(triggerKind, 'mailer');
    await tenant.untilGone(serviceKind, 'mailer-millrace');
    for (const kind of [triggerAuthenticationKind, configMapKind])
      t.equal(await tenant.find(kind, 'millrace-scaler-ca'), undefined, 'no other trigger is here');
    t.equal(await tenant.find(scaledObjectKind, 'mailer'), undefined);
    t.ok(await tenant.find(deploymentKind, 'mailer'), 'the Deployment belongs to the user');
  },
);

t.test('wrong annotations are reported with a suggestion, and existing resources stay', async (t) => {
  const { tenant, service, scaledObject } = await deploy(t);
  await tenant.untilCondition('mailer', 'Accepted', 'Accepted');
  await tenant.annotate('mailer', { 'max-replica': '3', 'lag-threshold': 'ten' });
  const condition = await tenant.untilCondition('mailer', 'Accepted', 'InvalidAnnotations');
  t.match(condition, { status: 'False', message: /Did you mean `millrace.dev\/max-replicas`\?/ });
  t.match(condition.message, /lag-threshold/, 'every mistake at once');
  t.match(await tenant.condition('mailer', 'Ready'), { status: 'False', reason: 'InvalidAnnotations' });
  t.equal((await tenant.find(scaledObjectKind, 'mailer'))?.metadata.uid, uid(scaledObject));
  t.equal((await tenant.find(serviceKind, 'mailer-millrace'))?.metadata.uid, uid(service));

  await tenant.annotate('mailer', { 'max-replica': undefined, 'max-replicas': '3', 'lag-threshold': '10' });
  await tenant.untilCondition('mailer', 'Accepted', 'Accepted');
  await until(async () => {
    const found = await tenant.find(scaledObjectKind, 'mailer');
    return uid(found!) === uid(scaledObject) && valueAt(found, ['spec', 'maxReplicaCount']) === 3;
  });
});

t.test('annotations that are wrong from the start make only a Trigger that reports it', async (t) => {
  const tenant = await createTenant(t, server, client);
  await tenant.deploy('mailer', { topics: topic, concurency: '4' });
  const condition = await tenant.untilCondition('mailer', 'Accepted', 'InvalidAnnotations');
  t.match(condition.message, /Did you mean `millrace.dev\/concurrency`\?/);
  t.equal(await tenant.find(serviceKind, 'mailer-millrace'), undefined);
  await tenant.annotate('mailer', { concurency: undefined });
  await tenant.untilThere(scaledObjectKind, 'mailer');
});

t.test('a changed consumer group is refused with a reason, and the old one stays', async (t) => {
  const { tenant, deployment, group, trigger, scaledObject } = await deploy(t);
  await joinGroup(t, bootstrapServers, { group, topic });
  await tenant.untilCondition('mailer', 'SourceReady', 'Consuming');
  await tenant.annotate('mailer', { 'consumer-group': uniqueName('other'), 'max-replicas': '3' });
  const condition = await tenant.untilCondition('mailer', 'Accepted', 'InvalidAnnotations');
  t.match(condition, { status: 'False', message: /consumerGroup is immutable/ });
  t.match(await tenant.untilEvent('AnnotationsRefused', deployment), {
    type: 'Warning',
    note: /consumerGroup is immutable/,
  });
  t.match(await tenant.condition('mailer', 'SourceReady'), { status: 'True' });
  const kept = await tenant.find(triggerKind, 'mailer');
  t.equal(uid(kept!), uid(trigger));
  t.match(kept, { status: { consumerGroup: group }, spec: trigger.spec });
  t.equal((await tenant.find(scaledObjectKind, 'mailer'))?.metadata.uid, uid(scaledObject));

  await tenant.annotate('mailer', { 'consumer-group': undefined });
  await tenant.untilCondition('mailer', 'Accepted', 'Accepted');
  await until(async () => {
    const found = await tenant.find(scaledObjectKind, 'mailer');
    return valueAt(found, ['spec', 'maxReplicaCount']) === 3;
  });
});

t.test('a resource of somebody else is named and left alone, and replaced once it is removed', async (t) => {
  const tenant = await createTenant(t, server, client);
  const place = (name: string) => ({ name, namespace: tenant.namespace });
  const foreign = [
    [serviceKind, 'mailer-millrace', { ports: [{ port: 80 }], selector: { app: 'theirs' } }],
    [
      scaledObjectKind,
      'mailer',
      { scaleTargetRef: { name: 'theirs' }, triggers: [{ type: 'cron', metadata: {} }] },
    ],
  ] as const;
  const theirs: Resource[] = [];
  for (const [{ apiVersion, kind }, name, spec] of foreign)
    theirs.push(await client.create({ apiVersion, kind, metadata: place(name), spec }));
  await tenant.deploy('mailer', { topics: topic });
  const service = await tenant.untilCondition('mailer', 'FunctionReady', 'ServiceNotOurs');
  t.match(service, { status: 'False', message: /Service mailer-millrace exists already/ });
  const scaled = await tenant.untilCondition('mailer', 'ScalerReady', 'ScaledObjectNotOurs');
  t.match(scaled, { status: 'False', message: /ScaledObject mailer exists already/ });
  for (const [index, [kind, name]] of foreign.entries())
    t.strictSame(await tenant.find(kind, name), theirs[index], 'untouched');
  for (const [index, [kind, name]] of foreign.entries()) {
    await tenant.remove(kind, name);
    await tenant.untilThere(kind, name, theirs[index]);
  }
  await tenant.untilCondition('mailer', 'FunctionReady', 'WorkloadExists');
  await tenant.untilCondition('mailer', 'ScalerReady', 'WaitingForKeda');
});

t.test('annotations do not apply to a Trigger that a user wrote, until it is removed', async (t) => {
  const tenant = await createTenant(t, server, client);
  const written = await client.create({
    apiVersion: triggerKind.apiVersion,
    kind: triggerKind.kind,
    metadata: { name: 'mailer', namespace: tenant.namespace },
    spec: { source: { topics: [topic] }, function: { service: { name: 'elsewhere' } } },
  });
  const deployment = await tenant.deploy('mailer', { topics: topic });
  await tenant.untilEvent('AnnotationsIgnored', deployment);
  const told = await tenant.untilCondition('mailer', 'Accepted', 'AnnotationsIgnored');
  t.match(told, { status: 'True', message: /have no effect/ });
  const kept = await tenant.find(triggerKind, 'mailer');
  t.match(kept, { spec: written.spec, metadata: { uid: uid(written) } });
  t.equal(kept?.metadata.ownerReferences, undefined);
  await tenant.remove(triggerKind, 'mailer');
  const made = await tenant.untilThere(triggerKind, 'mailer', written);
  t.match(made.metadata, { ownerReferences: [{ uid: uid(deployment) }] });
});

t.test('a Trigger with a URI is accepted only if the installation allows it', async (t) => {
  const tenant = await createTenant(t, server, client);
  await client.create({
    apiVersion: triggerKind.apiVersion,
    kind: triggerKind.kind,
    metadata: { name: 'mailer', namespace: tenant.namespace },
    spec: { source: { topics: [topic] }, function: { uri: 'http://mailer.example.com/' } },
  });
  const condition = await tenant.untilCondition('mailer', 'Accepted', 'UriNotAllowed');
  t.match(condition, {
    status: 'False',
    message: /^spec\.function\.uri: .* functions\.uris=guarded .* of the chart\.$/,
  });
});

t.test('the controller restores what somebody deletes or edits by hand', async (t) => {
  const { tenant, trigger } = await deploy(t);
  const made = [
    [serviceKind, 'mailer-millrace', { spec: { selector: { tier: 'front' }, ports: [{ port: 1 }] } }],
    [scaledObjectKind, 'mailer', { spec: { maxReplicaCount: 99, minReplicaCount: 9 } }],
    [triggerKind, 'mailer', { spec: { source: { topics: ['another'] }, suspend: true } }],
  ] as const;
  for (const [kind, name, edit] of made) {
    const before = (await tenant.find(kind, name))!;
    await tenant.edit(kind, name, edit);
    await until(async () => {
      const found = await tenant.find(kind, name);
      return (
        found?.metadata.uid === uid(before) && JSON.stringify(found?.spec) === JSON.stringify(before.spec)
      );
    });
    t.pass(`${kind.kind} edited`);
    await tenant.remove(kind, name);
    await tenant.untilThere(kind, name, before);
    t.pass(`${kind.kind} deleted`);
  }
  const { metadata } = await tenant.untilThere(triggerKind, 'mailer', trigger);
  await until(async () => {
    const service = await tenant.find(serviceKind, 'mailer-millrace');
    return service?.metadata.ownerReferences?.some((owner) => owner.uid === metadata.uid);
  });
});

t.test('the controller reports when KEDA is removed, and recovers', async (t) => {
  const { tenant, scaledObject } = await deploy(t);
  await server.kubectl(['delete', 'crd', 'scaledobjects.keda.sh', 'triggerauthentications.keda.sh']);
  await tenant.untilCondition('mailer', 'ScalerReady', 'KedaMissing');
  t.ok(await tenant.find(serviceKind, 'mailer-millrace'));
  await applyKedaCrds(server);
  await tenant.untilThere(scaledObjectKind, 'mailer', scaledObject);
});
