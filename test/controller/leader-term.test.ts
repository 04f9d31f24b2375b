import t from 'tap';
import { MillraceError } from '../../core/contract/errors.ts';
import {
  configMapKind,
  deploymentKind,
  eventKind,
  scaledObjectKind,
  serviceKind,
  triggerAuthenticationKind,
  triggerKind,
} from '../../core/resources/kinds.ts';
import * as kinds from '../../core/resources/kinds.ts';
import type { ApplyOptions, Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../core/contract/path.ts';
import { drainFinalizer } from '../../controller/names.ts';
import type { ScalerAddress } from '../../controller/plan/observed.ts';
import { MemoryKubernetes } from '../fixtures/kubernetes/memory-kubernetes.ts';
import { until } from '../scaler/fixtures/until.ts';
import { startSmallScaler } from './fixtures/scaler.ts';
import { deploymentOf, startTerm, takeUp, triggerOf } from './fixtures/term.ts';

t.setTimeout(120_000);
const optIn = { 'millrace.dev/topics': 'earthquakes' };

t.test('annotations make a Trigger, and all that it needs; without them it all goes', async (t) => {
  const scaler = await startSmallScaler(t);
  const { client, ...term } = startTerm(t, { scaler });
  await client.create(deploymentOf('mailer', optIn));
  const service = await term.untilThere(serviceKind, 'mailer-millrace');
  t.match(service, { spec: { clusterIP: 'None', selector: { app: 'mailer' } } });
  await term.untilThere(scaledObjectKind, 'mailer');
  t.ok(scaler.asked.includes('geo/mailer'), 'the scaler answers before KEDA is told of it');
  await term.untilCondition('mailer', 'ScalerReady', 'WaitingForKeda');
  await takeUp(client, 'mailer');
  const ready = await term.untilCondition('mailer', 'Ready', 'Ready');
  t.match(ready, { status: 'True', observedGeneration: 1 });
  t.match(await client.get(triggerKind, 'geo', 'mailer'), {
    metadata: { finalizers: [drainFinalizer], ownerReferences: [{ kind: 'Deployment', name: 'mailer' }] },
    status: { topics: 'earthquakes', function: 'deployment/mailer', backlog: '10-99', observedGeneration: 1 },
  });
  await until(async () => (await client.list(eventKind)).some(({ reason }) => reason === 'Ready'));

  term.kafka.members = 0;
  await client.patch(deploymentKind, 'geo', 'mailer', {
    metadata: { annotations: { 'millrace.dev/topics': null } },
  });
  await term.untilGone(triggerKind, 'mailer');
  await term.untilGone(scaledObjectKind, 'mailer');
  await term.untilGone(serviceKind, 'mailer-millrace');
  t.ok(await client.get(deploymentKind, 'geo', 'mailer'), 'the Deployment is nobody else’s');
});

t.test(
  'KEDA shows who it is, or no more: what it is told beside the function goes, and comes back',
  async (t) => {
    const plain = await startSmallScaler(t);
    const term = startTerm(t, { scaler: plain });
    await term.client.create(deploymentOf('mailer', optIn));
    const { metadata } = await term.untilThere(scaledObjectKind, 'mailer');
    const beside = [triggerAuthenticationKind, configMapKind];
    const referenceIs = (expected: object) =>
      until(async () => {
        const found = await term.client.get(scaledObjectKind, 'geo', 'mailer');
        t.equal(found?.metadata.uid, metadata.uid);
        const reference = valueAt(found, ['spec', 'triggers', 0, 'authenticationRef']);
        return JSON.stringify(reference) === JSON.stringify(expected);
      });
    const own = { ...plain, ca: 'PEM', tlsRevision: 'a1' };
    const turn = (scaler: ScalerAddress): void => {
      term.scaler = scaler;
      term.session.resync();
    };

    turn(own);
    await referenceIs({ name: 'mailer-millrace' });
    turn({ ...own, clusterAuthentication: 'millrace-scaler.mill' });
    await referenceIs({ kind: 'ClusterTriggerAuthentication', name: 'millrace-scaler.mill' });
    for (const kind of beside) await term.untilGone(kind, 'mailer-millrace');
    turn(own);
    await referenceIs({ name: 'mailer-millrace' });
    for (const kind of beside) await term.untilThere(kind, 'mailer-millrace');
  },
);

/** It has a rule that a consumer group never changes. */
class StrictKubernetes extends MemoryKubernetes {
  override async apply(given: Resource, options: ApplyOptions): Promise<Resource> {
    if (options.subresource === undefined) await this.#judge(given);
    return super.apply(given, options);
  }

  override async replace(given: Resource): Promise<Resource> {
    await this.#judge(given);
    return super.replace(given);
  }

  async #judge(given: Resource): Promise<void> {
    const found = await this.get(triggerKind, 'geo', given.metadata.name);
    const isOther = valueAt(found?.spec, ['group']) !== valueAt(given.spec, ['group']);
    if (given.kind === 'Trigger' && found !== undefined && isOther)
      throw new MillraceError('MILLRACE_KUBERNETES_INVALID', 'spec.source.consumerGroup is immutable');
  }
}

t.test('edits of annotations reach the Trigger; what is refused is told in it', async (t) => {
  const { client, ...term } = startTerm(t, { client: new StrictKubernetes() });
  await client.create(deploymentOf('mailer', optIn));
  await term.untilCondition('mailer', 'SourceReady', 'Consuming');
  const edit = (annotations: object) =>
    client.patch(deploymentKind, 'geo', 'mailer', { metadata: { annotations } });
  await edit({ 'millrace.dev/topics': 'no-such-topic' });
  await term.untilCondition('mailer', 'SourceReady', 'TopicMissing');
  await edit(optIn);
  await term.untilCondition('mailer', 'SourceReady', 'Consuming');

  await edit({ 'millrace.dev/consumer-group': 'another' });
  const told = await term.untilCondition('mailer', 'Accepted', 'InvalidAnnotations');
  t.match(told, { status: 'False', message: /immutable/ });
  t.match(await term.condition('mailer', 'SourceReady'), { status: 'True' }, 'it goes on as it was');
  await edit({ 'millrace.dev/consumer-group': null });
  await term.untilCondition('mailer', 'Accepted', 'Accepted');
});

t.test('a Trigger that a person wrote is not taken over', async (t) => {
  const { client, ...term } = startTerm(t);
  await client.create(triggerOf('mailer', { topics: ['earthquakes'] }));
  await client.create(deploymentOf('mailer', optIn));
  await term.untilCondition('mailer', 'Accepted', 'AnnotationsIgnored');
  t.match((await client.get(triggerKind, 'geo', 'mailer'))?.metadata, { ownerReferences: undefined });
  await until(async () =>
    (await client.list(eventKind)).some(({ reason }) => reason === 'AnnotationsIgnored'),
  );
  await client.remove(deploymentKind, 'geo', 'mailer');
  await term.untilCondition('mailer', 'FunctionReady', 'DeploymentMissing');
  t.ok(await client.get(triggerKind, 'geo', 'mailer'));
});

t.test('neither is a Service or a ScaledObject', async (t) => {
  const scaler = await startSmallScaler(t);
  const { client, ...term } = startTerm(t, { scaler });
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
  await term.untilCondition('quakes', 'FunctionReady', 'ServiceNotOurs');
  await term.untilCondition('quakes', 'ScalerReady', 'ScaledObjectNotOurs');
  await client.remove(triggerKind, 'geo', 'quakes');
  term.kafka.members = 0;
  await term.untilGone(triggerKind, 'quakes');
  t.match(await client.get(scaledObjectKind, 'geo', 'quakes'), { spec: { theirs: true } });
  t.match(await client.get(serviceKind, 'geo', 'quakes-millrace'), { spec: { selector: { a: 'b' } } });
});

t.test('two triggers of one consumer group, or of one Deployment: the older has it', async (t) => {
  const scaler = await startSmallScaler(t);
  const { client, ...term } = startTerm(t, { scaler });
  await client.create(deploymentOf('mailer'));
  await client.create(triggerOf('first', { topics: ['earthquakes'], group: 'g' }));
  await term.untilThere(scaledObjectKind, 'first');
  await client.create(triggerOf('second', { topics: ['earthquakes'], group: 'g' }));
  await client.create(triggerOf('third', { topics: ['earthquakes'] }));
  const taken = await term.untilCondition('second', 'Accepted', 'ConsumerGroupTaken');
  t.match(taken.message, /geo\/first/);
  await term.untilCondition('third', 'ScalerReady', 'TargetTaken');
  t.equal(await client.get(scaledObjectKind, 'geo', 'second'), undefined);
  term.kafka.members = 0;
  await client.remove(triggerKind, 'geo', 'first');
  await term.untilCondition('second', 'Accepted', 'Accepted');
});

t.test(
  'a deleted Trigger stays until its gateways have let go of it, and KEDA of its Deployment',
  async (t) => {
    const scaler = await startSmallScaler(t);
    const { client, ...term } = startTerm(t, { scaler });
    await client.create(deploymentOf('mailer'));
    await client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
    await term.untilThere(scaledObjectKind, 'quakes');
    await client.patch(scaledObjectKind, 'geo', 'quakes', {
      metadata: { finalizers: ['finalizer.keda.sh'] },
    });
    await client.remove(triggerKind, 'geo', 'quakes');
    await new Promise((resolve) => setTimeout(resolve, 300));
    t.match((await client.get(scaledObjectKind, 'geo', 'quakes'))?.metadata, {
      deletionTimestamp: undefined,
    });
    term.kafka.members = 0;
    await until(async () => {
      const found = await client.get(scaledObjectKind, 'geo', 'quakes');
      return found?.metadata.deletionTimestamp !== undefined;
    });
    t.ok(await client.get(triggerKind, 'geo', 'quakes'), 'KEDA has not let go of it');
    await client.patch(scaledObjectKind, 'geo', 'quakes', { metadata: { finalizers: [] } });
    await term.untilGone(triggerKind, 'quakes');
  },
);

t.test('without KEDA the rest goes on; when it comes, the rest follows', async (t) => {
  const scaler = await startSmallScaler(t);
  const without = Object.values(kinds).filter(({ apiVersion }) => apiVersion !== scaledObjectKind.apiVersion);
  const { client, ...term } = startTerm(t, { scaler, client: new MemoryKubernetes({ kinds: without }) });
  await client.create(deploymentOf('mailer'));
  await client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
  t.match(await term.untilCondition('quakes', 'Ready', 'KedaMissing'), { message: /Install KEDA/ });
  await term.untilCondition('quakes', 'SourceReady', 'Consuming');
  await term.untilThere(serviceKind, 'quakes-millrace');
});

t.test('a ScaledObject waits for a scaler that answers', async (t) => {
  const term = startTerm(t, { scaler: { address: '127.0.0.1:1', ca: undefined } });
  await term.client.create(deploymentOf('mailer'));
  await term.client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
  await term.untilCondition('quakes', 'ScalerReady', 'ScalerUnreachable');
  t.equal(await term.client.get(scaledObjectKind, 'geo', 'quakes'), undefined);
  term.scaler = await startSmallScaler(t);
  await term.untilThere(scaledObjectKind, 'quakes');
});

t.test('what the API server does not take is told, and tried again', async (t) => {
  const { client, ...term } = startTerm(t);
  let isFull = true;
  client.fails = (verb, kind) =>
    isFull && verb === 'apply' && kind === 'Service'
      ? new MillraceError('MILLRACE_KUBERNETES_FORBIDDEN', 'quota')
      : undefined;
  await client.create(deploymentOf('mailer'));
  await client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
  t.match(await term.untilCondition('quakes', 'FunctionReady', 'ServiceRefused'), { message: /quota/ });
  isFull = false;
  await term.untilThere(serviceKind, 'quakes-millrace');
  await term.untilCondition('quakes', 'FunctionReady', 'DeploymentExists');
});

t.test('who leads no more writes nothing', async (t) => {
  const term = startTerm(t);
  await term.client.create(deploymentOf('mailer'));
  await term.client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
  await term.untilCondition('quakes', 'SourceReady', 'Consuming');
  term.isLeading = false;
  term.kafka.topics.clear();
  await term.client.remove(serviceKind, 'geo', 'quakes-millrace');
  term.session.resync();
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.equal(await term.client.get(serviceKind, 'geo', 'quakes-millrace'), undefined);
  term.isLeading = true;
  await term.untilThere(serviceKind, 'quakes-millrace');
});

t.test('a trigger that is as it should be costs the API server nothing', async (t) => {
  const { client, ...term } = startTerm(t);
  await client.create(deploymentOf('mailer'));
  await client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
  await term.untilCondition('quakes', 'SourceReady', 'Consuming');
  await new Promise((resolve) => setTimeout(resolve, 300));
  client.asked.length = 0;
  for (let round = 0; round < 5; round++) {
    term.session.resync();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.strictSame(
    client.asked.filter((request) => !request.startsWith('get ')),
    [],
  );
});
