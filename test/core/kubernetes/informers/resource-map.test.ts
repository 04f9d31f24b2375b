import t from 'tap';
import type { Resource } from '../../../../core/contract/kubernetes-client.ts';
import { ResourceMap } from '../../../../core/kubernetes/informers/resource-map.ts';

const named = (name: string, namespace?: string): Resource => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
});

t.test('it has what was added and not deleted', async (t) => {
  const map = new ResourceMap();
  const [a, b] = [named('a', 'geo'), named('b')];
  map.apply([
    { before: undefined, after: a },
    { before: undefined, after: b },
  ]);
  t.equal(map.get('geo/a'), a);
  t.equal(map.get('/b'), b, 'a kind that is not namespaced');
  map.apply([
    { before: a, after: undefined },
    { before: undefined, after: undefined },
  ]);
  t.strictSame(map.all(), [b]);
  t.equal(map.size, 1);
  map.clear();
  t.equal(map.size, 0);
});
