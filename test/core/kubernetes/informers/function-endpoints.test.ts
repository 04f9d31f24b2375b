import t, { type Test } from 'tap';
import { endpointSliceKind } from '../../../../core/resources/kinds.ts';
import type { FunctionTarget } from '../../../../core/contract/subscription.ts';
import { createKubernetesEndpoints } from '../../../../core/kubernetes/informers/function-endpoints.ts';
import { createAddressCheck } from '../../../../core/network/tenant-address.ts';
import { labelValueOf } from '../../../../core/resources/derived-names.ts';
import { MemoryKubernetes } from '../../../fixtures/kubernetes/memory-kubernetes.ts';
import { subscriptionOf } from '../../../fixtures/subscription.ts';
import { until } from '../../../scaler/fixtures/until.ts';

const deployment: FunctionTarget = { kind: 'ref', apiVersion: 'apps/v1', resource: 'Deployment', name: 'f' };

function slice(
  name: string,
  labels: Record<string, string>,
  addresses: readonly string[],
  namespace = 'geo',
) {
  return {
    ...{ apiVersion: endpointSliceKind.apiVersion, kind: endpointSliceKind.kind },
    metadata: { name, namespace, labels },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  };
}

function start(t: Test, namespaces?: readonly string[]) {
  const kubernetes = new MemoryKubernetes();
  const endpoints = createKubernetesEndpoints({ resources: kubernetes, namespaces });
  t.teardown(() => endpoints.close());
  const follow = (name: string, target: FunctionTarget) => {
    const subscription = subscriptionOf(name);
    const reported: string[] = [];
    const stop = endpoints.watch(
      { ...subscription, function: { ...subscription.function, target } },
      (ready) => reported.push(ready.map(({ origin }) => origin.replace('http://', '')).join()),
    );
    return { reported, stop };
  };
  const watches = () => kubernetes.asked.filter((one) => one.startsWith('watch '));
  return { kubernetes, endpoints, follow, watches };
}

t.test('one watch serves all triggers whose Service the controller has made', async (t) => {
  const { kubernetes, follow, watches } = start(t, ['geo', 'shop']);
  await kubernetes.create(slice('a-1', { 'millrace.dev/trigger': 'a' }, ['10.0.0.1']));
  await kubernetes.create(slice('a-2', { 'millrace.dev/trigger': 'a' }, ['10.0.0.2']));
  await kubernetes.create(slice('a-1', { 'millrace.dev/trigger': 'a' }, ['10.0.0.9'], 'shop'));
  const a = follow('a', deployment);
  const b = follow('b', deployment);
  await until(() => a.reported.length > 0 && b.reported.length > 0);
  t.strictSame(a.reported, ['10.0.0.1:8080,10.0.0.2:8080']);
  t.strictSame(b.reported, ['']);
  await kubernetes.remove(endpointSliceKind, 'geo', 'a-1');
  await kubernetes.create(slice('b-1', { 'millrace.dev/trigger': 'b' }, ['10.0.0.3']));
  await until(() => b.reported.length === 2);
  t.strictSame(a.reported, ['10.0.0.1:8080,10.0.0.2:8080', '10.0.0.2:8080']);
  t.strictSame(b.reported, ['', '10.0.0.3:8080'], 'each trigger gets only its own endpoints');
  t.strictSame(watches(), ['watch EndpointSlice geo,shop']);

  a.stop();
  const again = follow('a', deployment);
  t.strictSame(again.reported, ['10.0.0.2:8080'], 'known endpoints are reported at once');
  await kubernetes.remove(endpointSliceKind, 'geo', 'a-2');
  await until(() => again.reported.length === 2);
  t.equal(a.reported.length, 2, 'a stopped follower gets nothing');
});

t.test('one watch serves all Services that are named; each trigger gets only those of its own', async (t) => {
  const { kubernetes, follow, watches } = start(t);
  const mailer = { 'kubernetes.io/service-name': 'mailer' };
  await kubernetes.create(slice('m-1', mailer, ['10.0.0.1']));
  await kubernetes.create(slice('m-1', mailer, ['10.0.0.9'], 'shop'));
  const a = follow('a', { kind: 'service', name: 'mailer' });
  const b = follow('b', { kind: 'service', name: 'mailer' });
  const other = follow('c', { kind: 'service', name: 'other' });
  await until(() => [a, b, other].every(({ reported }) => reported.length === 1));
  t.strictSame([a.reported, b.reported, other.reported], [['10.0.0.1:8080'], ['10.0.0.1:8080'], ['']]);
  t.strictSame(watches(), ['watch EndpointSlice *']);
  await kubernetes.patch(endpointSliceKind, 'geo', 'm-1', {
    metadata: { labels: { 'kubernetes.io/service-name': 'other' } },
  });
  await until(() => other.reported.length === 2);
  t.strictSame([a.reported.at(-1), other.reported.at(-1)], ['', '10.0.0.1:8080'], 'a slice may change hands');
});

t.test('the slices of a trigger with a long name have a label that stands for it', async (t) => {
  const { kubernetes, follow } = start(t);
  const name = 'a'.repeat(100);
  await kubernetes.create(slice('a-1', { 'millrace.dev/trigger': labelValueOf(name) }, ['10.0.0.1']));
  const { reported } = follow(name, deployment);
  await until(() => reported.length > 0);
  t.strictSame(reported, ['10.0.0.1:8080']);
});

t.test('an endpoint that is refused is told once, and again when it comes back', async (t) => {
  const kubernetes = new MemoryKubernetes();
  const refusals: unknown[] = [];
  const endpoints = createKubernetesEndpoints({
    resources: kubernetes,
    whyRefused: createAddressCheck(['10.96.0.1']),
    onRefused: (trigger, endpoint) => refusals.push([trigger, endpoint.address, endpoint.why]),
  });
  t.teardown(() => endpoints.close());
  const label = { 'millrace.dev/trigger': 'a' };
  await kubernetes.create(slice('a-1', label, ['10.96.0.1']));
  const subscription = subscriptionOf('a');
  const told: unknown[] = [];
  endpoints.watch(
    { ...subscription, function: { ...subscription.function, target: deployment } },
    (...args) => told.push(args),
  );
  await until(() => told.length === 1);
  const refusal = { address: '10.96.0.1', why: 'an address of the API server' };
  t.strictSame(told, [[[], [refusal]]], 'it is no ready endpoint, and the reason is known');
  await kubernetes.create(slice('a-2', label, ['10.0.0.2']));
  await until(() => told.length === 2);
  t.strictSame(refusals, [['geo/a', refusal.address, refusal.why]]);
  await kubernetes.remove(endpointSliceKind, 'geo', 'a-1');
  await until(() => told.length === 3);
  await kubernetes.create(slice('a-1', label, ['10.96.0.1']));
  await until(() => told.length === 4);
  t.equal(refusals.length, 2);
});

t.test('a function named by URI needs no watch', async (t) => {
  const { follow, watches } = start(t);
  const { reported, stop } = follow('a', { kind: 'uri', uri: 'http://mailer.shop:8080/x' });
  t.strictSame(reported, ['mailer.shop:8080']);
  stop();
  t.strictSame(watches(), []);
});

t.test('nothing is reported after closing', async (t) => {
  const { kubernetes, endpoints, follow } = start(t);
  const { reported } = follow('a', deployment);
  await until(() => reported.length === 1);
  endpoints.close();
  await kubernetes.create(slice('a-1', { 'millrace.dev/trigger': 'a' }, ['10.0.0.1']));
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  t.strictSame(reported, ['']);
});
