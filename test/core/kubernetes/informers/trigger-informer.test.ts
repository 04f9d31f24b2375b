import t, { type Test } from 'tap';
import type { Resource } from '../../../../core/contract/kubernetes-client.ts';
import { kafkaClusterKind, triggerKind } from '../../../../core/resources/kinds.ts';
import type { Subscription } from '../../../../core/contract/subscription.ts';
import { createKubernetesTriggers } from '../../../../core/kubernetes/informers/trigger-informer.ts';
import { MemoryKubernetes } from '../../../fixtures/kubernetes/memory-kubernetes.ts';
import { subscriptionOf } from '../../../fixtures/subscription.ts';
import { until } from '../../../scaler/fixtures/until.ts';

const trigger = (name: string, spec: object = { topics: ['orders'] }, namespace = 'geo'): Resource => ({
  apiVersion: triggerKind.apiVersion,
  kind: triggerKind.kind,
  metadata: { name, namespace },
  spec,
});

async function start(t: Test, kubernetes: MemoryKubernetes, namespaces?: readonly string[]) {
  const reported: (readonly Subscription[])[] = [];
  const wrong: string[] = [];
  let reads = 0;
  const source = createKubernetesTriggers({
    resources: kubernetes,
    namespaces,
    read: ({ metadata: { name, namespace = '' }, spec }, clusters) => {
      reads += 1;
      const { topics, cluster, group } = spec as { topics?: string[]; cluster?: string; group?: string };
      if (topics === undefined) return { kind: 'wrong', reason: 'InvalidSpec', message: 'no topics' };
      const found = clusters.find(({ metadata }) => metadata.name === cluster);
      const brokers = (found?.spec as { bootstrapServers: string } | undefined)?.bootstrapServers.split(',');
      const access = brokers && { brokers, namespace };
      const source = {
        topics,
        cluster: cluster ?? 'main',
        access,
        consumerGroup: group ?? `millrace.${namespace}.${name}`,
      };
      const subscription = { ...subscriptionOf(name, { source }), key: `${namespace}/${name}` };
      return { kind: 'right', subscription };
    },
    onWrong: (key, message, runs) => wrong.push(`${key}: ${message}${runs ? ', runs on' : ''}`),
  });
  const stop = await source.watch((wanted) => reported.push(wanted));
  t.teardown(stop);
  const last = () =>
    reported
      .at(-1)
      ?.map(({ name, source: { topics, access } }) => `${name} ${String(topics)} ${String(access?.brokers)}`);
  return { reported, wrong, last, stop, reads: () => reads };
}

t.test('all triggers of the namespaces are reported at once, and again when they change', async (t) => {
  const kubernetes = new MemoryKubernetes();
  await kubernetes.create(trigger('a'));
  await kubernetes.create(trigger('b', { topics: ['x'] }, 'shop'));
  await kubernetes.create(trigger('c', { topics: ['x'] }, 'other'));
  const { reported, last, stop } = await start(t, kubernetes, ['geo', 'shop']);
  t.equal(reported.length, 1);
  t.strictSame(last(), ['a orders undefined', 'b x undefined']);
  const before = reported[0]![1];
  await kubernetes.patch(triggerKind, 'geo', 'a', { spec: { topics: ['returns'] } });
  await until(() => reported.length === 2);
  t.strictSame(last(), ['a returns undefined', 'b x undefined']);
  t.equal(reported[1]![1], before, 'what did not change is the same object');
  await kubernetes.remove(triggerKind, 'shop', 'b');
  await until(() => reported.length === 3);
  t.strictSame(last(), ['a returns undefined']);
  stop();
  await kubernetes.remove(triggerKind, 'geo', 'a');
  await new Promise(setImmediate);
  t.equal(reported.length, 3);
});

t.test('a trigger that is being deleted is dropped, though a finalizer still holds it', async (t) => {
  const kubernetes = new MemoryKubernetes();
  await kubernetes.create({
    ...trigger('a'),
    metadata: { name: 'a', namespace: 'geo', finalizers: ['millrace.dev/drain'] },
  });
  const { last } = await start(t, kubernetes);
  await kubernetes.remove(triggerKind, 'geo', 'a');
  await until(() => last()?.length === 0);
});

t.test('a change of the status changes no subscription', async (t) => {
  const kubernetes = new MemoryKubernetes();
  await kubernetes.create(trigger('a'));
  const { reported, reads, last } = await start(t, kubernetes);
  const status = { ...trigger('a'), status: { backlog: '1-9' } };
  await kubernetes.apply(status, { fieldManager: 'millrace', subresource: 'status' });
  await kubernetes.create(trigger('b'));
  await until(() => last()?.length === 2);
  t.equal(reported.length, 2);
  t.equal(reads(), 2);
});

t.test(
  'a wrong edit stops no trigger, and is reported once; a trigger that was never right does not run',
  async (t) => {
    const kubernetes = new MemoryKubernetes();
    await kubernetes.create(trigger('a'));
    await kubernetes.create(trigger('never', {}));
    const { reported, wrong, last } = await start(t, kubernetes);
    t.strictSame(wrong, ['geo/never: no topics']);
    t.strictSame(last(), ['a orders undefined']);
    await kubernetes.patch(triggerKind, 'geo', 'a', { spec: { topics: null } });
    await until(() => wrong.length === 2);
    t.equal(wrong[1], 'geo/a: no topics, runs on');
    await kubernetes.create(trigger('b'));
    await until(() => reported.length === 2);
    t.strictSame(last(), ['a orders undefined', 'b orders undefined']);
    t.equal(wrong.length, 2);

    await kubernetes.remove(triggerKind, 'geo', 'a');
    await kubernetes.create(trigger('a', {}));
    await until(() => wrong.length === 3);
    t.equal(wrong[2], 'geo/a: no topics', 'created again under the same name, it is another trigger');
    await until(() => last()?.length === 1);
  },
);

t.test('a KafkaCluster that changes changes the triggers that name it', async (t) => {
  const kubernetes = new MemoryKubernetes();
  await kubernetes.create(trigger('a', { topics: ['orders'], cluster: 'east' }));
  await kubernetes.create(trigger('b'));
  const { reported, last } = await start(t, kubernetes);
  const cluster = {
    apiVersion: kafkaClusterKind.apiVersion,
    kind: kafkaClusterKind.kind,
    metadata: { name: 'east', namespace: 'geo' },
    spec: { bootstrapServers: 'east:9092' },
  };
  await kubernetes.create(cluster);
  await until(() => reported.length === 2);
  t.strictSame(last(), ['a orders east:9092', 'b orders undefined']);
});

t.test('a revoked grant ends a trigger with a wrong edit too', async (t) => {
  const kubernetes = new MemoryKubernetes();
  const { apiVersion, kind } = kafkaClusterKind;
  const shared = {
    apiVersion,
    kind,
    metadata: { name: 'main', namespace: 'platform' },
    spec: { bootstrapServers: 'main:9092', allowedNamespaces: ['geo', 'shop'] },
  };
  await kubernetes.create(shared);
  for (const namespace of ['geo', 'shop'])
    await kubernetes.create(trigger('a', { topics: ['orders'], cluster: 'platform/main' }, namespace));
  const { last, wrong } = await start(t, kubernetes);
  await kubernetes.patch(triggerKind, 'geo', 'a', { spec: { topics: null } });
  await until(() => wrong.length === 1);
  t.equal(wrong[0], 'geo/a: no topics, runs on');
  const allow = (allowedNamespaces: readonly string[]) =>
    kubernetes.patch(kafkaClusterKind, 'platform', 'main', { spec: { allowedNamespaces } });
  await allow(['shop']);
  await until(() => last()?.length === 1);
  t.equal(wrong[1], 'geo/a: no topics');
  await allow(['geo', 'shop']);
  await until(() => wrong.length === 3);
  t.equal(last()?.length, 1, 'its last right version is forgotten');
});

t.test('a start that waits for the API server can be aborted', async (t) => {
  const reason = new Error('enough');
  const source = createKubernetesTriggers({
    resources: new MemoryKubernetes(),
    read: () => ({ kind: 'wrong', reason: '', message: '' }),
    onWrong: () => undefined,
    signal: AbortSignal.abort(reason),
  });
  await t.rejects(
    source.watch(() => t.fail('nothing is reported')),
    reason,
  );
});

t.test('of two triggers with one group, the younger is dropped', async (t) => {
  const kubernetes = new MemoryKubernetes();
  const { last, wrong } = await start(t, kubernetes);
  const spec = { topics: ['orders'], group: 'shared' };
  await kubernetes.create(trigger('older', spec));
  await kubernetes.create(trigger('younger', spec, 'shop'));
  await until(() => wrong.length === 1);
  t.strictSame(last(), ['older orders undefined']);
  t.match(
    wrong[0],
    /^shop\/younger: spec.source.consumerGroup: shared is the group of the older trigger geo\/older/,
  );
  await kubernetes.remove(triggerKind, 'geo', 'older');
  await until(() => String(last()).startsWith('younger'));
  t.equal(wrong.length, 1);
});
