import t from 'tap';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import { ResourceCache } from '../../../core/kubernetes/resource-cache.ts';

const config = (name: string, resourceVersion: string): Resource => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'geo', resourceVersion },
});

t.test('each resource is in a report once, as it was at the last report and as it is', async (t) => {
  const cache = new ResourceCache();
  const [a1, a2, a3, b] = [config('a', '1'), config('a', '2'), config('a', '3'), config('b', '4')];
  cache.replace([a1, b]);
  t.strictSame(cache.takeChanges(), [
    { before: undefined, after: a1 },
    { before: undefined, after: b },
  ]);
  t.strictSame(cache.takeChanges(), []);
  cache.set(a2);
  cache.set(a3);
  cache.delete(b);
  t.strictSame(cache.takeChanges(), [
    { before: a1, after: a3 },
    { before: b, after: undefined },
  ]);
  t.strictSame(cache.all(), [{ before: undefined, after: a3 }]);
  t.equal(cache.size, 1);
});

t.test('what came and went between two reports is in none, nor is what is as it was', async (t) => {
  const cache = new ResourceCache();
  cache.set(config('a', '1'));
  cache.takeChanges();
  cache.set(config('b', '2'));
  cache.delete(config('b', '2'));
  cache.delete(config('none', '1'));
  cache.set(config('a', '1'));
  t.strictSame(cache.takeChanges(), []);
});

t.test('a resource of a kind that is not namespaced is known by its name', async (t) => {
  const cache = new ResourceCache();
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } };
  cache.set(node);
  t.strictSame(cache.takeChanges(), [{ before: undefined, after: node }]);
});

t.test('a new list replaces what is known', async (t) => {
  const cache = new ResourceCache();
  const [gone, kept, changed] = [config('gone', '1'), config('kept', '2'), config('changed', '3')];
  cache.replace([gone, kept, changed]);
  cache.takeChanges();
  cache.replace([config('kept', '2'), config('changed', '4'), config('new', '5')]);
  t.strictSame(cache.takeChanges(), [
    { before: gone, after: undefined },
    { before: changed, after: config('changed', '4') },
    { before: undefined, after: config('new', '5') },
  ]);
});
