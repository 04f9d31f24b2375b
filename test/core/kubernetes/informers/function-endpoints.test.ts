import t, { type Test } from 'tap';
import { endpointSliceKind } from '../../../../core/resources/kinds.ts';
import type { FunctionTarget } from '../../../../core/contract/subscription.ts';
import { createKubernetesEndpoints } from '../../../../core/kubernetes/informers/function-endpoints.ts';
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

t.test('each Service that is named has its own watch', async (t) => {
  const { kubernetes, follow, watches } = start(t);
  const mailer = { 'kubernetes.io/service-name': 'mailer' };
  await kubernetes.create(slice('m-1', mailer, ['10.0.0.1']));
  await kubernetes.create(slice('m-1', mailer, ['10.0.0.9'], 'shop'));
  const a = follow('a', { kind: 'service', name: 'mailer' });
  const b = follow('b', { kind: 'service', name: 'mailer' });
  const other = follow('c', { kind: 'service', name: 'other' });
  await until(() => [a, b, other].every(({ reported }) => reported.length === 1));
  t.strictSame([a.reported, b.reported, other.reported], [['10.0.0.1:8080'], ['10.0.0.1:8080'], ['']]);
  t.strictSame(watches(), ['watch EndpointSlice geo', 'watch EndpointSlice geo']);
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
