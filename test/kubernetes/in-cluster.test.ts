// A process with the ServiceAccount of a pod, whose token is renewed, against a real API server. It never loads the client library.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { openConnection } from '../../core/kubernetes/api-connection.ts';
import { Requests } from '../../core/kubernetes/api-requests.ts';
import { createNamespace, useApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(180_000);
const server = await useApiServer(t);

type Kubeconfig = { clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }] };

t.test('a pod is who its token says, also after the token is renewed', async (t) => {
  const namespace = await createNamespace(t, server);
  const [{ cluster }] = (parse(await readFile(server.kubeconfig, 'utf8')) as Kubeconfig).clusters;
  const { hostname, port } = new URL(cluster.server);
  const folder = join(t.testdir(), 'serviceaccount');
  await mkdir(folder);
  await writeFile(join(folder, 'ca.crt'), Buffer.from(cluster['certificate-authority-data'], 'base64'));
  await writeFile(join(folder, 'namespace'), namespace);
  const become = async (account: string): Promise<void> => {
    await server.kubectl(['create', 'serviceaccount', account, '-n', namespace]);
    const token = await server.kubectl(['create', 'token', account, '-n', namespace]);
    await writeFile(join(folder, 'token'), token);
  };
  await become('before');
  const connection = await openConnection({
    apiServerHost: hostname,
    apiServerPort: Number(port),
    serviceAccountPath: folder,
    serviceAccountCheckMs: 1,
  });
  t.teardown(() => connection.close());
  t.equal(connection.namespace, namespace);
  const kind = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const place = { apiVersion: kind.apiVersion, plural: 'selfsubjectreviews', namespace: '' };
  const whoAmI = async (): Promise<string> => {
    const review = await new Requests(connection).send({ verb: 'create', place, body: kind });
    return (review as { status: { userInfo: { username: string } } }).status.userInfo.username;
  };
  t.equal(await whoAmI(), `system:serviceaccount:${namespace}:before`);
  await become('after');
  await until(async () => (await whoAmI()) === `system:serviceaccount:${namespace}:after`);
});
