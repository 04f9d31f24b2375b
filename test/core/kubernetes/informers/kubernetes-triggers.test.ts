import t from 'tap';
import { kafkaClusterKind, triggerKind } from '../../../../core/resources/kinds.ts';
import { MemoryKubernetes } from '../../../fixtures/kubernetes/memory-kubernetes.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { kafkaCluster, specOf, startTriggers, trigger } from './start-triggers.ts';

const noTopics = /spec\.source\.topics/;
const edit = (kubernetes: MemoryKubernetes, name: string, source: object) =>
  kubernetes.patch(triggerKind, 'geo', name, { spec: { source } });

t.test('all triggers of the namespaces are reported at once, and again when they change', async (t) => {
  const kubernetes = new MemoryKubernetes();
  await kubernetes.create(trigger('a'));
  await kubernetes.create(trigger('b', { topics: ['x'] }, 'shop'));
  await kubernetes.create(trigger('c', { topics: ['x'] }, 'other'));
  const { reported, last, stop } = await startTriggers(t, kubernetes, { namespaces: ['geo', 'shop'] });
  t.equal(reported.length, 1);
  t.strictSame(last(), ['geo/a orders', 'shop/b x']);
  const before = reported[0]![1];
  await edit(kubernetes, 'a', { topics: ['returns'] });
  await until(() => reported.length === 2);
  t.strictSame(last(), ['geo/a returns', 'shop/b x']);
  t.equal(reported[1]![1], before, 'what did not change is the same object');
  await kubernetes.remove(triggerKind, 'shop', 'b');
  await until(() => reported.length === 3);
  t.strictSame(last(), ['geo/a returns']);
  stop();
  await kubernetes.remove(triggerKind, 'geo', 'a');
  await new Promise(setImmediate);
  t.equal(reported.length, 3);
});

t.test('where there is none, that is reported once', async (t) => {
  const { reported } = await startTriggers(t, new MemoryKubernetes());
  t.strictSame(reported, [[]]);
});

t.test('a trigger that is being deleted is dropped, though a finalizer still holds it', async (t) => {
  const kubernetes = new MemoryKubernetes();
  const { metadata, ...rest } = trigger('a');
  await kubernetes.create({ ...rest, metadata: { ...metadata, finalizers: ['millrace.dev/drain'] } });
  const { last } = await startTriggers(t, kubernetes);
  await kubernetes.remove(triggerKind, 'geo', 'a');
  await until(() => last()?.length === 0);
});

t.test('a change of the status changes no subscription', async (t) => {
  const kubernetes = new MemoryKubernetes();
  await kubernetes.create(trigger('a'));
  const { reported, last } = await startTriggers(t, kubernetes);
  const status = { ...trigger('a'), status: { backlog: '1-9' } };
  await kubernetes.apply(status, { fieldManager: 'millrace', subresource: 'status' });
  await kubernetes.create(trigger('b'));
  await until(() => last()?.length === 2);
  t.equal(reported.length, 2);
  t.equal(reported[1]![0], reported[0]![0]);
});

t.test(
  'a wrong edit stops no trigger, and is reported once; a trigger that was never right does not run',
  async (t) => {
    const kubernetes = new MemoryKubernetes();
    await kubernetes.create(trigger('a'));
    await kubernetes.create(trigger('never', { topics: [] }));
    const { reported, wrong, last } = await startTriggers(t, kubernetes);
    t.match(wrong, [/^geo\/never: spec\.source\.topics.*(?<!Runs on\.)$/]);
    t.strictSame(last(), ['geo/a orders']);
    await edit(kubernetes, 'a', { topics: [] });
    await until(() => wrong.length === 2);
    t.match(wrong[1], /^geo\/a: .*Runs on\.$/);
    await kubernetes.create(trigger('b'));
    await until(() => reported.length === 2);
    t.strictSame(last(), ['geo/a orders', 'geo/b orders']);
    t.equal(wrong.length, 2);

    await kubernetes.remove(triggerKind, 'geo', 'a');
    await kubernetes.create(trigger('a', { topics: [] }));
    await until(() => wrong.length === 3);
    t.notMatch(wrong[2], /Runs on/, 'created again under the same name, it is another trigger');
    await until(() => last()?.length === 1);
  },
);

t.test('nor does it after a restart: the status has what was accepted last', async (t) => {
  const kubernetes = new MemoryKubernetes();
  const shared = { bootstrapServers: 'now:1', allowedNamespaces: ['geo'] };
  await kubernetes.create(kafkaCluster('pay', { tls: 'wrong' }));
  await kubernetes.create(kafkaCluster('shared', shared, 'platform'));
  const accepted = {
    own: { spec: specOf({ topics: ['own'] }) },
    pay: { spec: specOf({ topics: ['pay'], cluster: 'pay' }), cluster: { bootstrapServers: 'pay:1' } },
    granted: { spec: specOf({ cluster: 'platform/shared' }), cluster: { bootstrapServers: 'then:1' } },
    ungranted: { spec: specOf({ cluster: 'far/away' }), cluster: { bootstrapServers: 'far:1' } },
    nonsense: { spec: specOf({ topics: [] }) },
    elsewhere: { spec: specOf({ cluster: 'pay' }), cluster: { bootstrapServers: 7 } },
  };
  for (const [name, was] of Object.entries(accepted)) {
    await kubernetes.create(trigger(name, { topics: [] }));
    await kubernetes.apply(
      { ...trigger(name), status: { accepted: { generation: 1, ...was } } },
      { fieldManager: 'millrace', force: true, subresource: 'status' },
    );
  }
  const { last, wrong } = await startTriggers(t, kubernetes);
  t.strictSame(last(), ['geo/granted orders then:1', 'geo/own own', 'geo/pay pay pay:1']);
  t.equal(wrong.length, 6);
  await edit(kubernetes, 'own', { topics: ['mended'] });
  await until(() => last()?.includes('geo/own mended'));
});

t.test('a KafkaCluster that changes changes the triggers that name it, and no others', async (t) => {
  const kubernetes = new MemoryKubernetes();
  await kubernetes.create(trigger('a', { cluster: 'main' }));
  await kubernetes.create(trigger('b', { cluster: 'other' }));
  await kubernetes.create(kafkaCluster('other', { bootstrapServers: 'other:9092' }));
  const { reported, last } = await startTriggers(t, kubernetes);
  t.strictSame(last(), ['geo/a orders', 'geo/b orders other:9092']);
  await kubernetes.create(kafkaCluster('main', { bootstrapServers: 'main:9092' }));
  await until(() => reported.length === 2);
  t.strictSame(last(), ['geo/a orders main:9092', 'geo/b orders other:9092']);
  t.equal(
    reported[1]!.find(({ name }) => name === 'b'),
    reported[0]!.find(({ name }) => name === 'b'),
  );
  const patch = (spec: object) => kubernetes.patch(kafkaClusterKind, 'geo', 'main', { spec });
  await patch({ allowedNamespaces: ['shop'] });
  await patch({ bootstrapServers: 'main:9093' });
  await until(() => last()?.includes('geo/a orders main:9093'));
  t.equal(reported.length, 3, 'an edit that leads nowhere else changes no trigger');
  await patch({ bootstrapServers: '' });
  await edit(kubernetes, 'b', { topics: ['x'] });
  await until(() => last()?.includes('geo/b x other:9092'));
  t.ok(last()?.includes('geo/a orders main:9093'), 'a wrong edit of a KafkaCluster stops nothing either');
});

t.test('a revoked grant ends a trigger with a wrong edit too', async (t) => {
  const kubernetes = new MemoryKubernetes();
  const shared = { bootstrapServers: 'main:9092', allowedNamespaces: ['geo', 'shop'] };
  await kubernetes.create(kafkaCluster('main', shared, 'platform'));
  for (const namespace of ['geo', 'shop'])
    await kubernetes.create(trigger('a', { cluster: 'platform/main' }, namespace));
  const { last, wrong } = await startTriggers(t, kubernetes);
  await edit(kubernetes, 'a', { topics: [] });
  await until(() => wrong.length === 1);
  t.match(wrong[0], noTopics);
  await kubernetes.patch(kafkaClusterKind, 'platform', 'main', { spec: { allowedNamespaces: ['shop'] } });
  await until(() => last()?.length === 1);
  t.strictSame(last(), ['shop/a orders main:9092']);
});

t.test('a start that waits for the API server can be aborted', async (t) => {
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  await t.rejects(startTriggers(t, new MemoryKubernetes(), { signal }), reason);
});

t.test('of two triggers with one group, the younger is dropped', async (t) => {
  const kubernetes = new MemoryKubernetes();
  const { last, wrong } = await startTriggers(t, kubernetes);
  const spec = { group: 'shared' };
  await kubernetes.create(trigger('older', spec));
  await kubernetes.create(trigger('younger', spec, 'shop'));
  await until(() => wrong.length === 1);
  t.strictSame(last(), ['geo/older orders']);
  t.match(
    wrong[0],
    /^shop\/younger: spec.source.consumerGroup: shared is the group of the older trigger geo\/older/,
  );
  await kubernetes.remove(triggerKind, 'geo', 'older');
  await until(() => String(last()).startsWith('shop/younger'));
  t.equal(wrong.length, 1);
});
