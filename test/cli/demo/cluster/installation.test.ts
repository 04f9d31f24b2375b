import t from 'tap';
import { findInstallation, readInstallation, secretsOf } from '../../../../cli/demo/cluster/installation.ts';
import { MillraceError } from '../../../../core/contract/errors.ts';
import { deploymentKind } from '../../../../core/resources/kinds.ts';
import { MemoryKubernetes } from '../../../fixtures/kubernetes/memory-kubernetes.ts';
import { brokersVariable, gatewayDeployment } from '../fixtures/gateway-deployment.ts';

function serving(namespaces: string): object[] {
  return [{ name: 'WATCH_NAMESPACES', value: namespaces }, brokersVariable];
}

t.test('what is not installed is reported in one line, with the command that installs it', async (t) => {
  const withoutKeda = new MemoryKubernetes({ kinds: [deploymentKind] });
  await t.rejects(findInstallation(withoutKeda, 'demo'), {
    code: 'MILLRACE_TOOL_MISSING',
    message: /^KEDA is not installed in this cluster: helm install keda .+$/,
  });
  await t.rejects(findInstallation(new MemoryKubernetes(), 'demo'), {
    code: 'MILLRACE_TOOL_MISSING',
    message: /^Millrace is not installed in this cluster: helm install millrace charts\/millrace .+$/,
  });
});

t.test('what the API server refuses stays what it is', async (t) => {
  const client = new MemoryKubernetes();
  client.fails = () => new MillraceError('MILLRACE_KUBERNETES_FORBIDDEN', 'the right to list is notReady');
  await t.rejects(findInstallation(client, 'demo'), { code: 'MILLRACE_KUBERNETES_FORBIDDEN' });
});

t.test('of several it is the first that serves the namespace', async (t) => {
  const client = new MemoryKubernetes();
  await client.create(gatewayDeployment({ namespace: 'a', env: serving('shop,geo') }));
  await t.rejects(findInstallation(client, 'demo'), {
    code: 'MILLRACE_CONFIG_INVALID',
    message: /^a\/millrace-gateway does not serve the namespace demo: /,
  });
  await client.create(gatewayDeployment({ namespace: 'c' }));
  await client.create(gatewayDeployment({ namespace: 'b', env: serving('geo,demo') }));
  t.match(await findInstallation(client, 'demo'), { namespace: 'b' });
  t.match(await findInstallation(client, 'shop'), { namespace: 'a' });
  t.match(await findInstallation(client, 'other'), { namespace: 'c' });
});

t.test('what pods of the same image need is read off the container of the gateway', async (t) => {
  const placement = { nodeSelector: { disk: 'fast' }, tolerations: [{ key: 'x' }] };
  const pod = { imagePullSecrets: [{ name: 'pull' }], ...placement };
  const secretKeyRef = { name: 'kafka', key: 'brokers' };
  const env = [
    { name: 'POD_NAME', value: 'x' },
    { name: 'KAFKA_BROKERS', valueFrom: { secretKeyRef } },
  ];
  const installation = readInstallation(gatewayDeployment({ env, pod }));
  t.strictSame(installation, {
    namespace: 'millrace',
    name: 'millrace-gateway',
    image: 'registry/millrace:1',
    imagePullPolicy: 'Always',
    imagePullSecrets: [{ name: 'pull' }],
    env: [{ name: 'KAFKA_BROKERS', valueFrom: { secretKeyRef } }],
    placement,
  });
  t.strictSame(secretsOf(installation), ['pull', 'kafka']);
  t.strictSame(secretsOf(readInstallation(gatewayDeployment())), []);
});
