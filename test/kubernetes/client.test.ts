// The Kubernetes client against a real API server.
import t from 'tap';
import { createKubernetesClient } from '../../core/kubernetes/api-client.ts';
import { openConnection } from '../../core/kubernetes/api-connection.ts';
import { probeCrd, testConformance } from '../fixtures/kubernetes/kubernetes-conformance.ts';
import { createNamespace, useApiServer } from '../fixtures/kubernetes/kubernetes.ts';

t.setTimeout(180_000);
const server = await useApiServer(t);
await server.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(probeCrd()));
await server.kubectl(['wait', '--for=condition=Established', 'crd/probes.test.millrace.dev']);

testConformance(t, async (t) => {
  const connection = await openConnection({ kubeconfig: server.kubeconfig });
  t.teardown(() => connection.close());
  return {
    client: createKubernetesClient({ connection }),
    namespace: await createNamespace(t, server),
    elsewhere: await createNamespace(t, server),
  };
});
