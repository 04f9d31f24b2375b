import t from 'tap';
import {
  copySecrets,
  createDemoNamespace,
  removeDemoNamespace,
} from '../../../../cli/demo/cluster/demo-namespace.ts';
import { readInstallation } from '../../../../cli/demo/cluster/installation.ts';
import { MillraceError } from '../../../../core/contract/errors.ts';
import { namespaceKind, secretKind } from '../../../../core/resources/kinds.ts';
import type { Metadata } from '../../../../core/contract/kubernetes-client.ts';
import { MemoryKubernetes } from '../../../fixtures/kubernetes/memory-kubernetes.ts';
import { gatewayDeployment } from '../fixtures/gateway-deployment.ts';

const { signal } = new AbortController();

function namespace(metadata: Metadata) {
  return { apiVersion: 'v1', kind: 'Namespace', metadata };
}

t.test('the namespace is labelled as ours, and restricted', async (t) => {
  const client = new MemoryKubernetes();
  const said: string[] = [];
  const options = { say: (line: string) => void said.push(line), signal };
  const first = await createDemoNamespace(client, 'demo', options);
  t.strictSame(first.metadata.labels, {
    'millrace.dev/demo': 'true',
    'pod-security.kubernetes.io/enforce': 'restricted',
  });
  t.strictSame(said, []);

  const second = await createDemoNamespace(client, 'demo', options);
  t.not(second.metadata.uid, first.metadata.uid, 'one of ours is made anew');
  t.strictSame(said, ['removing the namespace demo, which an earlier run has left behind']);
  await removeDemoNamespace(client, second);
  t.equal(await client.get(namespaceKind, '', 'demo'), undefined);
});

t.test('its removal outlasts an API server that is away for a moment', async (t) => {
  const client = new MemoryKubernetes();
  const made = await createDemoNamespace(client, 'demo', { say: () => undefined, signal });
  let failures = 2;
  client.fails = () =>
    (failures -= 1) >= 0 ? new MillraceError('MILLRACE_KUBERNETES_UNREACHABLE', 'no answer') : undefined;
  await removeDemoNamespace(client, made);
  t.equal(await client.get(namespaceKind, '', 'demo'), undefined);
  client.fails = () => new MillraceError('MILLRACE_KUBERNETES_FORBIDDEN', 'no right');
  await t.rejects(removeDemoNamespace(client, made), { code: 'MILLRACE_KUBERNETES_FORBIDDEN' });
});

t.test('what is somebody else’s is not touched', async (t) => {
  const client = new MemoryKubernetes();
  const theirs = await client.create(namespace({ name: 'demo', labels: { team: 'geo' } }));
  await t.rejects(createDemoNamespace(client, 'demo', { say: () => undefined, signal }), {
    code: 'MILLRACE_CONFIG_INVALID',
    message: /^the namespace demo exists, and was not created by the demo: .*--namespace$/,
  });
  t.strictSame(await client.get(namespaceKind, '', 'demo'), theirs);
  const stale = namespace({ name: 'demo', uid: 'ours' });
  await t.rejects(removeDemoNamespace(client, stale), { code: 'MILLRACE_KUBERNETES_CONFLICT' });
});

t.test('the Secrets of the installation are copied, those that are there', async (t) => {
  const client = new MemoryKubernetes();
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'pull', namespace: 'millrace' } };
  await client.create({ ...secret, type: 'kubernetes.io/dockerconfigjson', data: { a: 'eA==' } });
  const pod = { imagePullSecrets: [{ name: 'pull' }, { name: 'none' }] };
  await copySecrets(client, readInstallation(gatewayDeployment({ pod })), 'demo');
  t.match(await client.get(secretKind, 'demo', 'pull'), {
    type: 'kubernetes.io/dockerconfigjson',
    data: { a: 'eA==' },
  });
  t.equal(await client.get(secretKind, 'demo', 'none'), undefined);
});
