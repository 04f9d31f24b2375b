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
    const told: string[] = [];
    const stop = endpoints.watch(
      { ...subscription, function: { ...subscription.function, target } },
      (ready) => told.push(ready.map(({ origin }) => origin.replace('http://', '')).join()),
    );
    return { told, stop };
  };
  const watches = () => kubernetes.asked.filter((one) => one.startsWith('watch '));
  return { kubernetes, endpoints, follow, watches };
}

t.test('the pods behind the Services that the controller made, by one watch for all triggers', async (t) => {
  const { kubernetes, follow, watches } = start(t, ['geo', 'shop']);
  await kubernetes.create(slice('a-1', { 'millrace.dev/trigger': 'a' }, ['10.0.0.1']));
  await kubernetes.create(slice('a-2', { 'millrace.dev/trigger': 'a' }, ['10.0.0.2']));
  await kubernetes.create(slice('a-1', { 'millrace.dev/trigger': 'a' }, ['10.0.0.9'], 'shop'));
  const a = follow('a', deployment);
  const b = follow('b', deployment);
  await until(() => a.told.length > 0 && b.told.length > 0);
  t.strictSame(a.told, ['10.0.0.1:8080,10.0.0.2:8080']);
  t.strictSame(b.told, ['']);
  await kubernetes.remove(endpointSliceKind, 'geo', 'a-1');
  await kubernetes.create(slice('b-1', { 'millrace.dev/trigger': 'b' }, ['10.0.0.3']));
  await until(() => b.told.length === 2);
  t.strictSame(a.told, ['10.0.0.1:8080,10.0.0.2:8080', '10.0.0.2:8080']);
  t.strictSame(b.told, ['', '10.0.0.3:8080'], 'nobody is told of what is not theirs');
  t.strictSame(watches(), ['watch EndpointSlice geo,shop']);

  a.stop();
  const again = follow('a', deployment);
  t.strictSame(again.told, ['10.0.0.2:8080'], 'what is known is told at once');
  await kubernetes.remove(endpointSliceKind, 'geo', 'a-2');
  await until(() => again.told.length === 2);
  t.equal(a.told.length, 2, 'who has stopped is told nothing');
});

t.test('the pods behind a Service that is named, by a watch of its own', async (t) => {
  const { kubernetes, follow, watches } = start(t);
  const mailer = { 'kubernetes.io/service-name': 'mailer' };
  await kubernetes.create(slice('m-1', mailer, ['10.0.0.1']));
  await kubernetes.create(slice('m-1', mailer, ['10.0.0.9'], 'shop'));
  const a = follow('a', { kind: 'service', name: 'mailer' });
  const b = follow('b', { kind: 'service', name: 'mailer' });
  const other = follow('c', { kind: 'service', name: 'other' });
  await until(() => [a, b, other].every(({ told }) => told.length === 1));
  t.strictSame([a.told, b.told, other.told], [['10.0.0.1:8080'], ['10.0.0.1:8080'], ['']]);
  t.strictSame(watches(), ['watch EndpointSlice geo', 'watch EndpointSlice geo']);
});

t.test('a function named by URI needs nobody', async (t) => {
  const { follow, watches } = start(t);
  const { told, stop } = follow('a', { kind: 'uri', uri: 'http://mailer.shop:8080/x' });
  t.strictSame(told, ['mailer.shop:8080']);
  stop();
  t.strictSame(watches(), []);
});

t.test('nothing is told after the end', async (t) => {
  const { kubernetes, endpoints, follow } = start(t);
  const { told } = follow('a', deployment);
  await until(() => told.length === 1);
  endpoints.close();
  await kubernetes.create(slice('a-1', { 'millrace.dev/trigger': 'a' }, ['10.0.0.1']));
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  t.strictSame(told, ['']);
});
