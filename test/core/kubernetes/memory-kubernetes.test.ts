// The API server in memory, which other tests rely on, passes the same tests as the real one.
import t from 'tap';
import { deploymentKind, namespaceKind } from '../../../core/resources/kinds.ts';
import {
  configMapKind,
  probeKind,
  testConformance,
} from '../../fixtures/kubernetes/kubernetes-conformance.ts';
import { MemoryKubernetes } from '../../fixtures/kubernetes/memory-kubernetes.ts';

testConformance(t, async () => ({
  client: new MemoryKubernetes({ kinds: [configMapKind, deploymentKind, namespaceKind, probeKind] }),
  namespace: 'here',
  elsewhere: 'there',
}));
