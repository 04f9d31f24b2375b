// The API server in memory, which other tests rely on, does what the real one does.
import t from 'tap';
import { namespaceKind } from '../../../gateway/contract/kinds.ts';
import { configMapKind, probeKind, testConformance } from '../../fixtures/kubernetes-conformance.ts';
import { MemoryKubernetes } from '../../fixtures/memory-kubernetes.ts';

testConformance(t, async () => ({
  client: new MemoryKubernetes({ kinds: [configMapKind, namespaceKind, probeKind] }),
  namespace: 'here',
  elsewhere: 'there',
}));
