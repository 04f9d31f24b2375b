// Secrets and tokens of ServiceAccounts from a real API server.
import t from 'tap';
import { secretKind, serviceAccountKind } from '../../core/resources/kinds.ts';
import { createKubernetesClient } from '../../core/kubernetes/api-client.ts';
import { openConnection } from '../../core/kubernetes/api-connection.ts';
import { createKubernetesSecrets } from '../../core/kubernetes/kubernetes-secrets.ts';
import { createNamespace, useApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { testSecrets } from '../fixtures/secrets/secrets-conformance.ts';

t.setTimeout(180_000);
const server = await useApiServer(t);
const connection = await openConnection({ kubeconfig: server.kubeconfig });
t.teardown(() => connection.close());
const client = createKubernetesClient({ connection });
const secrets = createKubernetesSecrets(connection);

testSecrets(t, async (t) => {
  const namespace = await createNamespace(t, server);
  return {
    secrets,
    namespace,
    put: async (name, values) => {
      const data = Object.fromEntries(
        Object.entries(values).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
      );
      await client.remove(secretKind, namespace, name);
      await client.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, data });
    },
    remove: (name) => client.remove(secretKind, namespace, name),
  };
});

t.test('a token of a ServiceAccount is for the requested audience, and cached', async (t) => {
  const namespace = await createNamespace(t, server);
  const { apiVersion, kind } = serviceAccountKind;
  await client.create({ apiVersion, kind, metadata: { name: 'kafka', namespace } });
  const wanted = { serviceAccountName: 'kafka', audience: 'https://sso.example.com' };
  const token = await secrets.serviceAccountToken(namespace, wanted);
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    aud: string[];
    sub: string;
    exp: number;
    iat: number;
  };
  t.strictSame(claims.aud, ['https://sso.example.com']);
  t.equal(claims.sub, `system:serviceaccount:${namespace}:kafka`);
  t.ok(claims.exp - claims.iat >= 1_200);
  t.equal(await secrets.serviceAccountToken(namespace, wanted), token);
  t.not(await secrets.serviceAccountToken(namespace, { ...wanted, audience: 'another' }), token);
});

t.test('a missing ServiceAccount is reported, and requested again', async (t) => {
  const namespace = await createNamespace(t, server);
  const wanted = { serviceAccountName: 'nobody', audience: 'sso' };
  for (let attempt = 0; attempt < 2; attempt += 1)
    await t.rejects(secrets.serviceAccountToken(namespace, wanted), { code: 'MILLRACE_KUBERNETES_MISSING' });
});
