// The Job that makes certificates: its script, as its pod runs it, with the token and the rights that the chart gives it, on a real API server.
import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { createNamespace, useApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { until } from '../scaler/fixtures/until.ts';
import {
  chartDir,
  find,
  parseManifests,
  required,
  template,
  type Loose,
  type Manifest,
} from './fixtures/helm.ts';

t.setTimeout(120_000);
const server = await useApiServer(t);
const script = join(chartDir, 'files', 'certificates', 'make-certificates.mjs');

interface Release {
  readonly namespace: string;
  /** Where KEDA reads its certificate. */
  readonly keda: string;
  readonly manifests: readonly Manifest[];
}

/** Applies what the Job needs, and not the Job: there is no node. */
async function release(t: Test, ...values: string[]): Promise<Release> {
  const [namespace, keda] = [await createNamespace(t, server), await createNamespace(t, server)];
  const args = [...required, '--set', 'crds.enabled=false', ...values];
  const known = args.map((one) => one.replace('KEDA', keda));
  const { stdout, stderr } = await template('-n', namespace, ...known);
  const manifests = parseManifests(stdout);
  if (manifests.length === 0) throw new Error(stderr);
  const needed = manifests.filter(
    ({ kind, metadata }) =>
      ['ServiceAccount', 'Role', 'RoleBinding'].includes(kind) && metadata.name.endsWith('-certificates'),
  );
  for (const one of needed)
    await server.kubectl(
      ['apply', '-n', one.metadata.namespace ?? namespace, '-f', '-'],
      JSON.stringify(one),
    );
  return { namespace, keda, manifests };
}

/** Runs the script of the Job. Returns what it prints. */
async function runJob(t: Test, { namespace, manifests }: Release): Promise<string> {
  const job = manifests.find(
    ({ kind, metadata }) => kind === 'Job' && /-tls-[0-9a-f]{7}$/.test(metadata.name),
  )!;
  const [container] = job.spec.template.spec.containers;
  const { clusters } = JSON.parse(await readFile(server.kubeconfig, 'utf8'));
  const {
    server: url,
    'certificate-authority-data': ca,
    'certificate-authority': caPath,
  } = clusters[0].cluster;
  const account = join(t.testdir(), 'account');
  await mkdir(account);
  const token = await server.kubectl(['create', 'token', 'millrace-certificates', '-n', namespace]);
  await writeFile(join(account, 'token'), token);
  await writeFile(join(account, 'ca.crt'), ca ? Buffer.from(ca, 'base64') : await readFile(caPath));
  const env = {
    ...Object.fromEntries(container.env.map(({ name, value }: Loose) => [name, value])),
    KUBERNETES_SERVICE_HOST: new URL(url).hostname,
    KUBERNETES_SERVICE_PORT: new URL(url).port,
    SERVICE_ACCOUNT_DIR: account,
  };
  const { stdout } = await promisify(execFile)(process.execPath, [script], { env });
  return stdout;
}

const read = async (kind: string, name: string, namespace: string): Promise<Loose> =>
  JSON.parse(await server.kubectl(['get', kind, name, '-n', namespace, '-o', 'json']));
const pemOf = ({ data }: Loose, key: string): string => Buffer.from(data[key], 'base64').toString();

const names = {
  gateway: ['millrace-gateway.NS.svc', 'localhost'],
  scaler: ['millrace-scaler', 'millrace-scaler.NS', 'millrace-scaler.NS.svc', 'millrace-scaler-pods.NS.svc'],
};
const clientAuth = '1.3.6.1.5.5.7.3.2';

t.test('certificates are for the names that clients use, and signed by the published CA', async (t) => {
  const installed = await release(t);
  const { namespace } = installed;
  const printed = await runJob(t, installed);
  t.match(printed, /made anew, because a part is not there: .*millrace-gateway-tls\n/);
  t.notMatch(printed, /BEGIN/);
  for (const [component, hosts] of Object.entries(names)) {
    const secret = await read('secret', `millrace-${component}-tls`, namespace);
    const ca = new X509Certificate(pemOf(secret, 'ca.crt'));
    const certificate = new X509Certificate(pemOf(secret, 'tls.crt'));
    t.ok(ca.ca && ca.verify(ca.publicKey) && !certificate.ca);
    t.ok(certificate.checkIssued(ca) && certificate.verify(ca.publicKey));
    t.ok(certificate.checkPrivateKey(createPrivateKey(pemOf(secret, 'tls.key'))));
    for (const host of hosts) t.ok(certificate.checkHost(host.replace('NS', namespace)), host);
    t.notOk(certificate.keyUsage.includes(clientAuth), 'for servers only');
    const published = await read('configmap', `millrace-${component}-root-ca`, namespace);
    t.equal(published.data['ca.crt'], pemOf(secret, 'ca.crt'));
    t.notOk(secret.metadata.labels['app.kubernetes.io/instance'], 'nothing that Argo CD would prune');
  }
  const { value } = find(
    installed.manifests,
    'Deployment',
    'millrace-scaler',
  ).spec.template.spec.containers[0].env.find(({ name }: Loose) => name === 'SCALER_SERVICE');
  t.equal(value, `millrace-scaler.${namespace}.svc:6000`);
});

t.test('openssl accepts the certificates', async (t) => {
  const installed = await release(t);
  await runJob(t, installed);
  const secret = await read('secret', 'millrace-scaler-tls', installed.namespace);
  const files = t.testdir({ 'ca.crt': pemOf(secret, 'ca.crt'), 'tls.crt': pemOf(secret, 'tls.crt') });
  const args = ['verify', '-x509_strict', '-CAfile', join(files, 'ca.crt'), join(files, 'tls.crt')];
  t.match((await promisify(execFile)('openssl', args)).stdout, /tls\.crt: OK/);
});

t.test(
  'another run keeps what is right, and makes anew what is not, with the others of its CA',
  async (t) => {
    const installed = await release(t, '--set', 'scaler.tls.clients.kedaNamespace=KEDA');
    const { namespace, keda } = installed;
    const client = `millrace-scaler.${namespace}`;
    await runJob(t, installed);
    const secrets = async (): Promise<Loose[]> => [
      await read('secret', 'millrace-gateway-tls', namespace),
      await read('secret', 'millrace-scaler-tls', namespace),
      await read('secret', client, keda),
    ];
    const keysOf = async (): Promise<string[]> => (await secrets()).map((one) => pemOf(one, 'tls.key'));
    const first = await keysOf();
    t.notMatch(await runJob(t, installed), /made anew/);
    t.strictSame(await keysOf(), first);

    await server.kubectl(['delete', 'secret', client, '-n', keda]);
    t.match(await runJob(t, installed), /made anew, because a part is not there: .*millrace-scaler-tls, /);
    const second = await keysOf();
    t.equal(second[0], first[0], 'the gateway keeps its own');
    t.not(second[1], first[1]);

    const other = JSON.stringify({ data: (await secrets())[0].data });
    await server.kubectl(['patch', 'secret', 'millrace-scaler-tls', '-n', namespace, '-p', other]);
    t.match(await runJob(t, installed), /made anew, because the Secrets are of different CAs/);

    const ruined = JSON.stringify({ data: { 'tls.key': Buffer.from('no key').toString('base64') } });
    await server.kubectl(['patch', 'secret', 'millrace-gateway-tls', '-n', namespace, '-p', ruined]);
    t.match(await runJob(t, installed), /made anew, because a certificate cannot be read/);
  },
);

t.test('KEDA has a certificate that the scaler accepts, and its key is in one namespace only', async (t) => {
  const installed = await release(t, '--set', 'scaler.tls.clients.kedaNamespace=KEDA');
  const { namespace, keda, manifests } = installed;
  await runJob(t, installed);
  const name = `millrace-scaler.${namespace}`;
  const own = await read('secret', 'millrace-scaler-tls', namespace);
  const shown = await read('secret', name, keda);
  t.equal(pemOf(shown, 'ca.crt'), pemOf(own, 'ca.crt'), 'each trusts the other');
  const certificate = new X509Certificate(pemOf(shown, 'tls.crt'));
  t.ok(certificate.verify(new X509Certificate(pemOf(own, 'ca.crt')).publicKey));
  t.strictSame(certificate.keyUsage, [clientAuth]);
  t.ok(new X509Certificate(pemOf(own, 'tls.crt')).keyUsage.includes(clientAuth), 'the scaler probes itself');
  t.not(pemOf(shown, 'tls.key'), pemOf(own, 'tls.key'));
  const { spec } = find(manifests, 'ClusterTriggerAuthentication', name);
  t.match(spec.secretTargetRef, [
    { name, key: 'ca.crt' },
    { name, key: 'tls.crt' },
    { name, key: 'tls.key' },
  ]);
});

t.test('the Job may write these Secrets and no others, and they go with its Role', async (t) => {
  const installed = await release(t);
  const { namespace } = installed;
  await runJob(t, installed);
  const account = `system:serviceaccount:${namespace}:millrace-certificates`;
  const apply = (name: string): Promise<string> =>
    server.kubectl(
      ['apply', '--server-side', '--force-conflicts', '--as', account, '-n', namespace, '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { a: 'b' } }),
    );
  await t.rejects(apply('another'), /cannot patch resource "secrets"/);
  const list = server.kubectl(['get', 'secrets', '-n', namespace, '--as', account]);
  await t.rejects(list, /cannot list resource "secrets"/);
  await server.kubectl(['delete', 'role', `${namespace}-millrace-certificates`, '-n', namespace]);
  await until(async () => {
    const left = await server.kubectl(['get', 'secrets,configmaps', '-n', namespace, '-o', 'name']);
    return left.includes('millrace-') ? undefined : true;
  }, 60_000);
  t.pass('collected');
});

t.test('what the chart renders is the same each time', async (t) => {
  for (const more of [[], ['--set', 'scaler.tls.clients.kedaNamespace=keda']]) {
    const [once, again] = [await template(...required, ...more), await template(...required, ...more)];
    t.equal(once.code, 0, once.stderr);
    t.equal(once.stdout, again.stdout);
    t.notMatch(once.stdout, /LS0tLS1|-----\n\s+MI/);
  }
});
