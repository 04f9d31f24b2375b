import t, { type Test } from 'tap';
import { endpointSliceKind } from '../../../core/resources/kinds.ts';
import { chooseMembers } from '../../../gateway/control/rendezvous.ts';
import { createSharedLoad } from '../../../gateway/control/shared-load.ts';
import { MemoryKubernetes } from '../../fixtures/kubernetes/memory-kubernetes.ts';
import { subscriptionOf, triggerSource } from '../../fixtures/subscription.ts';
import { until } from '../../scaler/fixtures/until.ts';

const names = Array.from({ length: 60 }, (_, index) => `t${index}`);
const keyOf = (name: string) => `geo/${name}`;

function gateways(pods: readonly string[]) {
  return {
    apiVersion: endpointSliceKind.apiVersion,
    kind: endpointSliceKind.kind,
    metadata: {
      name: 'gateway-1',
      namespace: 'millrace',
      labels: { 'kubernetes.io/service-name': 'gateway' },
    },
    addressType: 'IPv4',
    ports: [],
    endpoints: pods.map((name, index) => ({
      addresses: [`10.0.0.${index + 1}`],
      conditions: { ready: true },
      targetRef: { kind: 'Pod', name, uid: name },
    })),
  };
}

async function start(t: Test, self: string, pods: readonly string[], handOverMs?: number) {
  const kubernetes = new MemoryKubernetes();
  await kubernetes.create(gateways(pods));
  const triggers = triggerSource(names.map((name) => subscriptionOf(name)));
  const reported: string[][] = [];
  const stop = await createSharedLoad({
    triggers,
    resources: kubernetes,
    service: 'gateway',
    namespace: 'millrace',
    self,
    replicas: 2,
    handOverMs,
  }).watch((mine) => reported.push(mine.map(({ name }) => name)));
  t.teardown(stop);
  const others = (now: readonly string[]) =>
    kubernetes.apply(gateways(now), { fieldManager: 'test', force: true });
  return { triggers, reported, others, stop, last: () => reported.at(-1)! };
}

const servedBy = (self: string, pods: readonly string[]) =>
  names.filter((name) => chooseMembers(keyOf(name), pods, 2).includes(self));

t.test('each trigger is served by two of the gateways', async (t) => {
  const pods = ['a', 'b', 'c', 'd'];
  const counts = new Map<string, number>();
  for (const self of pods) {
    const { last } = await start(t, self, pods);
    for (const name of last()) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  t.strictSame([...new Set(counts.values())], [2]);
  t.equal(counts.size, names.length);
});

t.test('a gateway that knows no other serves all, and one that is not ready yet its part', async (t) => {
  const { last } = await start(t, 'a', []);
  t.equal(last().length, names.length);
  const { last: ofNew } = await start(t, 'new', ['a', 'b', 'c']);
  t.strictSame(ofNew(), servedBy('new', ['a', 'b', 'c', 'new']));
});

t.test('what has become its own is taken on at once', async (t) => {
  const { reported, last, others } = await start(t, 'a', ['a', 'b', 'c', 'd'], 60_000);
  const before = last();
  await others(['a', 'b', 'c']);
  await until(() => reported.length === 2);
  t.strictSame(last(), servedBy('a', ['a', 'b', 'c']));
  t.ok(
    before.every((name) => last().includes(name)),
    'and nothing is let go for it',
  );
});

t.test('what has become another’s is let go after a while; who comes back soon takes nothing', async (t) => {
  const { reported, last, others, stop } = await start(t, 'a', ['a', 'b', 'c'], 400);
  const before = last();
  await others(['a', 'b', 'c', 'd']);
  await others(['a', 'b', 'c']);
  await others(['a', 'b', 'c', 'd']);
  await until(() => reported.length === 2);
  const after = servedBy('a', ['a', 'b', 'c', 'd']);
  t.ok(after.length < before.length);
  t.strictSame(last(), after, 'in one go');
  stop();
});

t.test('triggers that come, change and go are reported at once', async (t) => {
  const { triggers, reported, last } = await start(t, 'a', ['a', 'b'], 60_000);
  triggers.tell([subscriptionOf('t0'), subscriptionOf('new')]);
  t.strictSame(last(), ['t0', 'new']);
  triggers.tell([subscriptionOf('t0')]);
  t.strictSame(last(), ['t0']);
  t.equal(reported.length, 3);
});

t.test('nothing is left where the triggers cannot be had', async (t) => {
  const kubernetes = new MemoryKubernetes();
  const shared = createSharedLoad({
    triggers: { watch: () => Promise.reject(new Error('no triggers')) },
    resources: kubernetes,
    service: 'gateway',
    namespace: 'millrace',
    self: 'a',
    replicas: 2,
  });
  await t.rejects(
    shared.watch(() => undefined),
    { message: 'no triggers' },
  );
});
