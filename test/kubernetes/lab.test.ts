// The lab itself: a real API server, and the programs that go with it.
import t from 'tap';
import { createNamespace, useApiServer } from '../fixtures/kubernetes.ts';

t.test('an API server keeps what it is given', async (t) => {
  const server = await useApiServer(t);
  const namespace = await createNamespace(t, server);
  await server.kubectl(
    ['apply', '--server-side', '--namespace', namespace, '-f', '-'],
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kept' },
      data: { key: 'value' },
    }),
  );
  const kept = await server.kubectl([
    'get',
    'configmap',
    'kept',
    '-n',
    namespace,
    '-o',
    'jsonpath={.data.key}',
  ]);
  t.equal(kept, 'value');
});

t.test('what is owned by nothing that lives is collected', async (t) => {
  const server = await useApiServer(t);
  const namespace = await createNamespace(t, server);
  await server.kubectl(['create', 'deployment', 'web', '--image=none', '-n', namespace]);
  await server.kubectl([
    'delete',
    'deployment',
    'web',
    '--cascade=foreground',
    '--timeout=30s',
    '-n',
    namespace,
  ]);
  const left = await server.kubectl(['get', 'replicasets', '-n', namespace, '-o', 'name']);
  t.equal(left, '');
});
