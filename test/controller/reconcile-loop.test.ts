import t from 'tap';
import { MillraceError } from '../../core/contract/errors.ts';
import {
  deploymentKind,
  eventKind,
  scaledObjectKind,
  serviceKind,
  triggerKind,
} from '../../core/resources/kinds.ts';
import * as kinds from '../../core/resources/kinds.ts';
import type { ApplyOptions, Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../core/contract/path.ts';
import { drainFinalizer } from '../../controller/ownership.ts';
import { MemoryKubernetes } from '../fixtures/kubernetes/memory-kubernetes.ts';
import { until } from '../scaler/fixtures/until.ts';
import { startSmallScaler } from './fixtures/scaler.ts';
import { deploymentOf, startTestController, takeUp, triggerOf } from './fixtures/test-controller.ts';

t.setTimeout(120_000);
const optIn = { 'millrace.dev/topics': 'earthquakes' };

t.test('annotations make a Trigger and what it owns; without them everything is deleted', async (t) => {
  const scaler = await startSmallScaler(t);
  const { client, ...controller } = startTestController(t, { scaler });
  await client.create(deploymentOf('mailer', optIn));
  const service = await controller.untilThere(serviceKind, 'mailer-millrace');
  t.match(service, { spec: { clusterIP: 'None', selector: { app: 'mailer' } } });
  await controller.untilThere(scaledObjectKind, 'mailer');
  t.ok(scaler.asked.includes('geo/mailer'), 'the scaler answers before KEDA gets the ScaledObject');
  await controller.untilCondition('mailer', 'ScalerReady', 'WaitingForKeda');
  await takeUp(client, 'mailer');
  const ready = await controller.untilCondition('mailer', 'Ready', 'Ready');
  t.match(ready, { status: 'True', observedGeneration: 1 });
  t.match(await client.get(triggerKind, 'geo', 'mailer'), {
    metadata: { finalizers: [drainFinalizer], ownerReferences: [{ kind: 'Deployment', name: 'mailer' }] },
    status: { topics: 'earthquakes', function: 'deployment/mailer', backlog: '10-99', observedGeneration: 1 },
  });
  await until(async () => (await client.list(eventKind)).some(({ reason }) => reason === 'Ready'));

  controller.kafka.members = 0;
  await client.patch(deploymentKind, 'geo', 'mailer', {
    metadata: { annotations: { 'millrace.dev/topics': null } },
  });
  await controller.untilGone(triggerKind, 'mailer');
  await controller.untilGone(scaledObjectKind, 'mailer');
  await controller.untilGone(serviceKind, 'mailer-millrace');
  t.ok(await client.get(deploymentKind, 'geo', 'mailer'), 'the Deployment is nobody else’s');
});

const groupIn = (trigger: Resource | undefined): unknown =>
  valueAt(trigger?.spec, ['source', 'consumerGroup']);

/** Enforces that a consumer group never changes. */
class StrictKubernetes extends MemoryKubernetes {
  override async apply(given: Resource, options: ApplyOptions): Promise<Resource> {
    if (options.subresource === undefined) await this.#validate(given);
    return super.apply(given, options);
  }

  override async replace(given: Resource): Promise<Resource> {
    await this.#validate(given);
    return super.replace(given);
  }

  async #validate(given: Resource): Promise<void> {
    const found = await this.get(triggerKind, 'geo', given.metadata.name);
    const isOther = groupIn(found) !== groupIn(given);
    if (given.kind === 'Trigger' && found !== undefined && isOther)
      throw new MillraceError('MILLRACE_KUBERNETES_INVALID', 'spec.source.consumerGroup is immutable');
  }
}

t.test('edits of annotations reach the Trigger; one that is refused shows in its condition', async (t) => {
  const { client, ...controller } = startTestController(t, { client: new StrictKubernetes() });
  await client.create(deploymentOf('mailer', optIn));
  await controller.untilCondition('mailer', 'SourceReady', 'Consuming');
  const edit = (annotations: object) =>
    client.patch(deploymentKind, 'geo', 'mailer', { metadata: { annotations } });
  await edit({ 'millrace.dev/topics': 'no-such-topic' });
  await controller.untilCondition('mailer', 'SourceReady', 'TopicMissing');
  await edit(optIn);
  await controller.untilCondition('mailer', 'SourceReady', 'Consuming');

  await edit({ 'millrace.dev/consumer-group': 'another' });
  const accepted = await controller.untilCondition('mailer', 'Accepted', 'InvalidAnnotations');
  t.match(accepted, { status: 'False', message: /immutable/ });
  t.match(await controller.condition('mailer', 'SourceReady'), { status: 'True' }, 'it goes on as it was');
  await edit({ 'millrace.dev/consumer-group': null });
  await controller.untilCondition('mailer', 'Accepted', 'Accepted');
});

t.test('a Trigger that a person wrote is not taken over', async (t) => {
  const { client, ...controller } = startTestController(t);
  await client.create(triggerOf('mailer', { topics: ['earthquakes'] }));
  await client.create(deploymentOf('mailer', optIn));
  await controller.untilCondition('mailer', 'Accepted', 'AnnotationsIgnored');
  t.match((await client.get(triggerKind, 'geo', 'mailer'))?.metadata, { ownerReferences: undefined });
  await until(async () =>
    (await client.list(eventKind)).some(({ reason }) => reason === 'AnnotationsIgnored'),
  );
  await client.remove(deploymentKind, 'geo', 'mailer');
  await controller.untilCondition('mailer', 'FunctionReady', 'WorkloadMissing');
  t.ok(await client.get(triggerKind, 'geo', 'mailer'));
});

t.test('neither is a Service or a ScaledObject', async (t) => {
  const scaler = await startSmallScaler(t);
  const { client, ...controller } = startTestController(t, { scaler });
  const foreign = { name: 'quakes-millrace', namespace: 'geo' };
  await client.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: foreign,
    spec: { selector: { a: 'b' } },
  });
  await client.create({ ...triggerOf('quakes', {}), ...scaledObjectKind, spec: { theirs: true } });
  await client.create(deploymentOf('mailer'));
  await client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
  await controller.untilCondition('quakes', 'FunctionReady', 'ServiceNotOurs');
  await controller.untilCondition('quakes', 'ScalerReady', 'ScaledObjectNotOurs');
  await client.remove(triggerKind, 'geo', 'quakes');
  controller.kafka.members = 0;
  await controller.untilGone(triggerKind, 'quakes');
  t.match(await client.get(scaledObjectKind, 'geo', 'quakes'), { spec: { theirs: true } });
  t.match(await client.get(serviceKind, 'geo', 'quakes-millrace'), { spec: { selector: { a: 'b' } } });
});

t.test('two triggers of one consumer group, or of one Deployment: the older has it', async (t) => {
  const scaler = await startSmallScaler(t);
  const { client, ...controller } = startTestController(t, { scaler });
  await client.create(deploymentOf('mailer'));
  await client.create(triggerOf('first', { topics: ['earthquakes'], group: 'g' }));
  await controller.untilThere(scaledObjectKind, 'first');
  await client.create(triggerOf('second', { topics: ['earthquakes'], group: 'g' }));
  await client.create(triggerOf('third', { topics: ['earthquakes'] }));
  const taken = await controller.untilCondition('second', 'Accepted', 'ConsumerGroupTaken');
  t.match(taken.message, /geo\/first/);
  await controller.untilCondition('third', 'ScalerReady', 'TargetTaken');
  t.equal(await client.get(scaledObjectKind, 'geo', 'second'), undefined);
  controller.kafka.members = 0;
  await client.remove(triggerKind, 'geo', 'first');
  await controller.untilCondition('second', 'Accepted', 'Accepted');
});

t.test(
  'a deleted Trigger stays until its gateways have left, and KEDA has deleted the ScaledObject',
  async (t) => {
    const scaler = await startSmallScaler(t);
    const { client, ...controller } = startTestController(t, { scaler });
    await client.create(deploymentOf('mailer'));
    await client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
    await controller.untilThere(scaledObjectKind, 'quakes');
    await client.patch(scaledObjectKind, 'geo', 'quakes', {
      metadata: { finalizers: ['finalizer.keda.sh'] },
    });
    await client.remove(triggerKind, 'geo', 'quakes');
    await new Promise((resolve) => setTimeout(resolve, 300));
    t.match((await client.get(scaledObjectKind, 'geo', 'quakes'))?.metadata, {
      deletionTimestamp: undefined,
    });
    controller.kafka.members = 0;
    await until(async () => {
      const found = await client.get(scaledObjectKind, 'geo', 'quakes');
      return found?.metadata.deletionTimestamp !== undefined;
    });
    t.ok(await client.get(triggerKind, 'geo', 'quakes'), 'KEDA has not finished the deletion');
    await client.patch(scaledObjectKind, 'geo', 'quakes', { metadata: { finalizers: [] } });
    await controller.untilGone(triggerKind, 'quakes');
  },
);

t.test('without KEDA the rest goes on; when it comes, the rest follows', async (t) => {
  const scaler = await startSmallScaler(t);
  const without = Object.values(kinds).filter(({ apiVersion }) => apiVersion !== scaledObjectKind.apiVersion);
  const { client, ...controller } = startTestController(t, {
    scaler,
    client: new MemoryKubernetes({ kinds: without }),
  });
  await client.create(deploymentOf('mailer'));
  await client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
  t.match(await controller.untilCondition('quakes', 'Ready', 'KedaMissing'), { message: /Install KEDA/ });
  await controller.untilCondition('quakes', 'SourceReady', 'Consuming');
  await controller.untilThere(serviceKind, 'quakes-millrace');
});

t.test('a ScaledObject waits for a scaler that answers', async (t) => {
  const controller = startTestController(t, { scaler: { address: '127.0.0.1:1', ca: undefined } });
  await controller.client.create(deploymentOf('mailer'));
  await controller.client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
  await controller.untilCondition('quakes', 'ScalerReady', 'ScalerUnreachable');
  t.equal(await controller.client.get(scaledObjectKind, 'geo', 'quakes'), undefined);
  controller.scaler = await startSmallScaler(t);
  await controller.untilThere(scaledObjectKind, 'quakes');
});

t.test('what the API server refuses shows in a condition, and is tried again', async (t) => {
  const { client, ...controller } = startTestController(t);
  let isFull = true;
  client.fails = (verb, kind) =>
    isFull && verb === 'apply' && kind === 'Service'
      ? new MillraceError('MILLRACE_KUBERNETES_FORBIDDEN', 'quota')
      : undefined;
  await client.create(deploymentOf('mailer'));
  await client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
  t.match(await controller.untilCondition('quakes', 'FunctionReady', 'ServiceRefused'), { message: /quota/ });
  isFull = false;
  await controller.untilThere(serviceKind, 'quakes-millrace');
  await controller.untilCondition('quakes', 'FunctionReady', 'WorkloadExists');
});

t.test('where the Trigger of annotations cannot be made, an Event of the Deployment says why', async (t) => {
  const { client } = startTestController(t);
  client.fails = (verb, kind) =>
    verb === 'apply' && kind === 'Trigger'
      ? new MillraceError('MILLRACE_KUBERNETES_FAILED', 'etcd is away')
      : undefined;
  await client.create(deploymentOf('mailer', optIn));
  await until(async () =>
    (await client.list(eventKind)).some(
      ({ reason, note }) => reason === 'ReconcileFailed' && String(note).includes('etcd is away'),
    ),
  );
  client.fails = undefined;
  await until(() => client.get(triggerKind, 'geo', 'mailer'));
});

t.test('a process that is no longer the leader writes nothing', async (t) => {
  const controller = startTestController(t);
  await controller.client.create(deploymentOf('mailer'));
  await controller.client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
  await controller.untilCondition('quakes', 'SourceReady', 'Consuming');
  controller.isLeading = false;
  controller.kafka.topics.clear();
  await controller.client.remove(serviceKind, 'geo', 'quakes-millrace');
  controller.loop.resync();
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.equal(await controller.client.get(serviceKind, 'geo', 'quakes-millrace'), undefined);
  controller.isLeading = true;
  await controller.untilThere(serviceKind, 'quakes-millrace');
});

t.test('a trigger without drift causes no writes', async (t) => {
  const { client, ...controller } = startTestController(t);
  await client.create(deploymentOf('mailer'));
  await client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
  await controller.untilCondition('quakes', 'SourceReady', 'Consuming');
  await new Promise((resolve) => setTimeout(resolve, 300));
  client.asked.length = 0;
  for (let round = 0; round < 5; round++) {
    controller.loop.resync();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.strictSame(
    client.asked.filter((request) => !request.startsWith('get ')),
    [],
  );
});
