// The login of a pod, with the files of its ServiceAccount as the kubelet writes and renews them. An API server accepts it in
// test/kubernetes/in-cluster.test.ts.
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openInClusterLogin } from '../../../core/kubernetes/in-cluster-login.ts';
import { until } from '../../scaler/fixtures/until.ts';

async function openLogin(t: Test, apiServerHost: string | undefined, apiServerPort?: number) {
  const serviceAccountPath = t.testdir({ token: 'first\n', 'ca.crt': 'authority\n', namespace: 'geo' });
  const settings = { apiServerHost, apiServerPort, serviceAccountPath, serviceAccountCheckMs: 1 };
  return { serviceAccountPath, login: await openInClusterLogin(settings) };
}

t.test('a pod finds the API server by its address, of either family', async (t) => {
  const urls = [
    ['10.96.0.1', 6443, 'https://10.96.0.1:6443'],
    ['fd00::1', 443, 'https://[fd00::1]:443'],
    ['kubernetes.default', undefined, 'https://kubernetes.default:443'],
  ] as const;
  for (const [host, port, url] of urls) {
    const { login } = await openLogin(t, host, port);
    t.match(login, { url, namespace: 'geo', proxyUrl: undefined });
  }
});

t.test('token and CA are read again while they rotate, and stay while a file is away', async (t) => {
  const { login, serviceAccountPath } = await openLogin(t, '10.96.0.1');
  t.strictSame(await login?.credentials(), {
    headers: { authorization: 'Bearer first' },
    tls: { ca: 'authority' },
  });
  await writeFile(join(serviceAccountPath, 'token'), 'second');
  await writeFile(join(serviceAccountPath, 'ca.crt'), 'both authorities');
  const second = { headers: { authorization: 'Bearer second' }, tls: { ca: 'both authorities' } };
  await until(async () => JSON.stringify(await login?.credentials()) === JSON.stringify(second));
  await rm(join(serviceAccountPath, 'token'));
  t.strictSame(await login?.credentials(), second);
});

t.test('without a ServiceAccount this is no pod, and without an address the pod is not usable', async (t) => {
  const nowhere = join(t.testdir(), 'none');
  t.equal(await openInClusterLogin({ apiServerHost: 'a', serviceAccountPath: nowhere }), undefined);
  await t.rejects(openLogin(t, undefined), {
    code: 'MILLRACE_CONFIG_INVALID',
    message: /KUBERNETES_SERVICE_HOST/,
  });
});
