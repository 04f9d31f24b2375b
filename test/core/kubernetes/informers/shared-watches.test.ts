import t from 'tap';
import type { ResourceChange } from '../../../../core/contract/kubernetes-client.ts';
import { shareWatches } from '../../../../core/kubernetes/informers/shared-watches.ts';
import { configMapKind } from '../../../fixtures/kubernetes/kubernetes-conformance.ts';
import { MemoryKubernetes } from '../../../fixtures/kubernetes/memory-kubernetes.ts';
import { until } from '../../../scaler/fixtures/until.ts';

const configMap = (name: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'geo' },
});

function listener() {
  const reports: string[][] = [];
  const onChange = (changes: readonly ResourceChange[]): void =>
    void reports.push(
      changes.map(
        ({ before, after }) => `${after === undefined ? '-' : '+'}${(after ?? before)!.metadata.name}`,
      ),
    );
  return { reports, onChange };
}

t.test('listeners of one selection share a watch; a later one gets what is known', async (t) => {
  const kubernetes = new MemoryKubernetes({ kinds: [configMapKind] });
  const watches = () => kubernetes.asked.filter((one) => one.startsWith('watch')).length;
  const resources = shareWatches(kubernetes);
  await kubernetes.create(configMap('a'));
  const [first, second, third] = [listener(), listener(), listener()];
  const stops = await Promise.all([
    resources.watch(configMapKind, {}, first.onChange),
    resources.watch(configMapKind, { namespaces: ['geo'] }, third.onChange),
  ]);
  await kubernetes.create(configMap('b'));
  await until(() => first.reports.length === 2);
  const stop = await resources.watch(configMapKind, {}, second.onChange);
  t.strictSame(first.reports, [['+a'], ['+b']]);
  t.strictSame(second.reports, [['+a', '+b']]);
  t.strictSame(third.reports, [['+a'], ['+b']]);
  t.equal(watches(), 2);

  stops[0]();
  await kubernetes.remove(configMapKind, 'geo', 'a');
  await until(() => second.reports.length === 2);
  t.equal(first.reports.length, 2, 'who has stopped is told nothing');
  stop();
  const again = listener();
  await resources.watch(configMapKind, {}, again.onChange);
  t.equal(watches(), 3, 'it ended with its last listener');
  t.strictSame(again.reports, [['+b']]);
});

t.test('a listener may leave before the first list, and takes no other with it', async (t) => {
  const kubernetes = new MemoryKubernetes({ kinds: [configMapKind] });
  const resources = shareWatches(kubernetes);
  const ending = new AbortController();
  const [leaving, staying] = [listener(), listener()];
  const left = resources.watch(configMapKind, { signal: ending.signal }, leaving.onChange);
  const stayed = resources.watch(configMapKind, {}, staying.onChange);
  ending.abort(new Error('enough'));
  await t.rejects(left, { message: 'enough' });
  await stayed;
  t.strictSame(staying.reports, [[]]);
  t.strictSame(leaving.reports, []);
  await t.rejects(resources.watch(configMapKind, { signal: ending.signal }, leaving.onChange));

  const later = new AbortController();
  await resources.watch(configMapKind, { signal: later.signal }, leaving.onChange);
  later.abort();
  await kubernetes.create(configMap('a'));
  await until(() => staying.reports.length === 2);
  t.equal(leaving.reports.length, 1);
});
