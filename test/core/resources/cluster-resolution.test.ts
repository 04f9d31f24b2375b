import t from 'tap';
import {
  missingIn,
  meaningOf,
  onlyInKubernetes,
  withResolution,
  type Resolution,
} from '../../../core/resources/cluster-resolution.ts';
import { invalid } from '../../../core/contract/manifest-problem.ts';

const declared = {
  apiVersion: 'millrace.dev/v1alpha1',
  kind: 'KafkaCluster',
  metadata: { name: 'pay', namespace: 'geo', resourceVersion: '7' },
  spec: { strimzi: { kafka: 'my-cluster' } },
};
const mistake = invalid(['spec', 'strimzi', 'kafka'], 'value', 'is not there', 'Make it.');
const found = (bootstrapServers: string): Resolution => ({ kind: 'found', spec: { bootstrapServers } });

t.test('what is found stands where the author could have written it', async (t) => {
  t.match(withResolution(declared, found('a:1')), {
    kind: 'KafkaCluster',
    spec: { bootstrapServers: 'a:1' },
  });
  t.notHas(withResolution(declared, found('a:1')), { spec: { strimzi: {} } });
});

t.test('whom it is shared with stands beside what is found', async (t) => {
  const shared = { ...declared, spec: { ...declared.spec, allowedNamespaces: ['shop'] } };
  t.strictSame(withResolution(shared, found('a:1')).spec, {
    bootstrapServers: 'a:1',
    allowedNamespaces: ['shop'],
  });
});

t.test('what is missing is reported; of one that nobody looks up, that', async (t) => {
  t.equal(missingIn(withResolution(declared, { kind: 'missing', mistake })), mistake);
  t.strictSame(missingIn(declared), onlyInKubernetes(declared));
  t.strictSame(onlyInKubernetes(declared).at, ['spec', 'strimzi']);
  t.strictSame(onlyInKubernetes({ spec: { binding: { secretName: 'a' } } }).at, ['spec', 'binding']);
});

t.test(
  'version and meaning are others wherever it leads elsewhere, and the same where it does not',
  async (t) => {
    const { resourceVersion: _version, ...unversioned } = declared.metadata;
    const all = [
      withResolution(declared, found('a:1')),
      withResolution(declared, found('a:2')),
      withResolution(declared, { kind: 'missing', mistake }),
      withResolution(
        { ...declared, metadata: unversioned },
        { kind: 'missing', mistake: onlyInKubernetes(declared) },
      ),
    ];
    t.equal(new Set(all.map(({ metadata }) => metadata.resourceVersion)).size, 4);
    t.equal(new Set(all.map(meaningOf)).size, 4);
    t.strictSame(withResolution(declared, found('a:1')), all[0]);
    const touched = { ...declared, metadata: { ...declared.metadata, resourceVersion: '8' }, status: {} };
    t.equal(meaningOf(withResolution(touched, found('a:1'))), meaningOf(all[0]!));
  },
);
