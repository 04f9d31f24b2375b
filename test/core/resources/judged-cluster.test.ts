import t from 'tap';
import { withResolution } from '../../../core/resources/cluster-resolution.ts';
import { judgeCluster } from '../../../core/resources/judged-cluster.ts';
import { invalid } from '../../../core/contract/manifest-problem.ts';
import { kafkaClusterKind } from '../../../core/resources/kinds.ts';

const { apiVersion, kind } = kafkaClusterKind;
const declared = (spec: object) => ({ apiVersion, kind, metadata: { name: 'pay', namespace: 'geo' }, spec });

t.test('a KafkaCluster is judged to what may be read from it, or to what is wrong with it', async (t) => {
  const right = { bootstrapServers: 'a:1', allowedNamespaces: ['shop'] };
  t.match(judgeCluster(declared(right)), {
    namespace: 'geo',
    name: 'pay',
    allowedNamespaces: ['shop'],
    access: { brokers: ['a:1'], namespace: 'geo' },
    spec: right,
    mistakes: [],
  });
  t.match(judgeCluster({ ...declared({}), spec: undefined }), { access: undefined, spec: {} });
  t.match(judgeCluster(declared({})), {
    access: undefined,
    reason: 'InvalidCluster',
    mistakes: [{ at: ['spec'] }],
  });
  const unresolved = declared({ strimzi: { kafka: 'a' } });
  const missing = invalid(['spec', 'strimzi', 'kafka'], 'value', 'is not there', 'Make it.');
  t.match(judgeCluster(withResolution(unresolved, { kind: 'missing', mistake: missing })), {
    access: undefined,
    reason: 'ClusterUnresolved',
    mistakes: [missing],
  });
});
