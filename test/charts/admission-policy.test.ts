// The rights that RBAC cannot limit by name: a real API server refuses the scaler's account whatever it did not make.
import t from 'tap';
import { applyCrds, applyKedaCrds } from '../kubernetes/fixtures/installation.ts';
import { createNamespace, useApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { until } from '../scaler/fixtures/until.ts';
import { parseManifests, render, required, template, type Loose } from './fixtures/helm.ts';

t.setTimeout(120_000);
const server = await useApiServer(t);
await applyCrds(server);
await applyKedaCrds(server);
const own = await createNamespace(t, server);
const shop = await createNamespace(t, server);
const account = `system:serviceaccount:${own}:millrace-scaler`;
const asScaler = (args: readonly string[], input = ''): Promise<string> =>
  server.kubectl([...args, '--as', account, '-n', shop], input);
const refused = /The scaler of Millrace may write only what it made/;

const made = parseManifests(
  (await template('-n', own, ...required, '--set', 'crds.enabled=false')).stdout,
).filter(
  ({ kind, metadata }) =>
    /^(ClusterRole|ValidatingAdmissionPolicy)/.test(kind) && /-scaler|scaler$/.test(metadata.name),
);
for (const one of made) await server.kubectl(['apply', '-f', '-'], JSON.stringify(one));
t.teardown(() =>
  server.kubectl(['delete', ...made.map(({ kind, metadata }) => `${kind}/${metadata.name}`), '--wait=false']),
);

const label = { 'app.kubernetes.io/managed-by': 'millrace' };
const trigger = (name: string, more: Loose = {}): Loose => ({
  apiVersion: 'millrace.dev/v1alpha1',
  kind: 'Trigger',
  metadata: { name, ...more },
  spec: { source: { topics: ['orders'] }, function: { ref: { name } } },
});
const service = (name: string, more: Loose = {}): Loose => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, ...more },
  spec: { clusterIP: 'None', selector: { app: name } },
});
const scaledObject = (name: string, more: Loose = {}): Loose => ({
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledObject',
  metadata: { name, ...more },
  spec: { scaleTargetRef: { name }, triggers: [{ type: 'cpu', metadata: { value: '50' } }] },
});
const owner = (kind: string, apiVersion: string, uid = 'a-uid', controller = true): Loose => ({
  labels: label,
  ownerReferences: [{ apiVersion, kind, name: 'mailer', uid, controller }],
});
const ofTrigger = owner('Trigger', 'millrace.dev/v1alpha1');
const apply = (resource: Loose): Promise<string> =>
  asScaler(
    ['apply', '--server-side', '--force-conflicts', '--field-manager=millrace', '-f', '-'],
    JSON.stringify(resource),
  );
const byPeople = (resource: Loose): Promise<string> =>
  server.kubectl(['create', '-n', shop, '-f', '-'], JSON.stringify(resource));

// The API server takes a moment to know a new policy.
await until(async () => {
  const tried = asScaler(['create', '--dry-run=server', '-f', '-'], JSON.stringify(service('tried')));
  return (await tried.then(String, String)).includes('may write only what it made') ? true : undefined;
}, 60_000);

t.test('the scaler makes, changes and deletes what belongs to a Trigger', async (t) => {
  for (const [kind, make] of [
    ['service', service],
    ['scaledobject', scaledObject],
  ] as const) {
    await t.resolves(apply(make('mailer', ofTrigger)), `${kind}: create`);
    const changed = make('mailer', { ...ofTrigger, annotations: { changed: 'yes' } });
    await t.resolves(apply(changed), `${kind}: update`);
    await t.resolves(asScaler(['delete', kind, 'mailer']), `${kind}: delete`);
  }
  const ofDeployment = owner('Deployment', 'apps/v1');
  await t.resolves(apply(trigger('mailer', ofDeployment)));
  await t.resolves(asScaler(['delete', 'trigger', 'mailer', '--wait=false']));
});

t.test('the scaler makes nothing without its label and a Trigger that owns it', async (t) => {
  const wrong = {
    'no marks': {},
    'no owner': { labels: label },
    'no label': { ownerReferences: ofTrigger.ownerReferences },
    'another owner': owner('Deployment', 'apps/v1'),
    'a Trigger of another API': owner('Trigger', 'eventing.knative.dev/v1'),
    'an owner that is no controller': owner('Trigger', 'millrace.dev/v1alpha1', 'a-uid', false),
  };
  for (const [name, marks] of Object.entries(wrong))
    for (const make of [service, scaledObject])
      await t.rejects(apply(make('intruder', marks)), refused, name);
  await t.rejects(apply(trigger('intruder', ofTrigger)), refused, 'a Trigger that a Trigger owns');
  await t.rejects(apply(trigger('intruder')), refused, 'a Trigger of nobody');
});

t.test('the scaler cannot touch what others made, nor put its marks on it', async (t) => {
  for (const [kind, make] of [
    ['service', service],
    ['scaledobject', scaledObject],
  ] as const) {
    await byPeople(make('theirs'));
    await t.rejects(apply(make('theirs', ofTrigger)), refused, `${kind}: take over`);
    const change = ['patch', kind, 'theirs', '--type=merge', '-p', '{"metadata":{"annotations":{"a":"b"}}}'];
    await t.rejects(asScaler(change), refused, `${kind}: change`);
    await t.rejects(asScaler(['delete', kind, 'theirs']), refused, `${kind}: delete`);
  }
});

t.test("of a person's Trigger the scaler changes the status and its own finalizer", async (t) => {
  await byPeople(trigger('written', { finalizers: ['example.com/keep'] }));
  const patch = (body: Loose, ...more: string[]): Promise<string> =>
    asScaler(['patch', 'trigger', 'written', '--type=merge', '-p', JSON.stringify(body), ...more]);
  await t.resolves(patch({ status: { observedGeneration: 1 } }, '--subresource=status'));
  const both = ['example.com/keep', 'millrace.dev/drain'];
  await t.resolves(patch({ metadata: { finalizers: both } }));
  await t.rejects(patch({ metadata: { finalizers: ['millrace.dev/drain'] } }), refused, "others' finalizers");
  await t.rejects(patch({ spec: { suspend: true } }), refused);
  await t.rejects(patch({ metadata: { labels: label } }), refused);
  await t.rejects(patch({ metadata: { annotations: { a: 'b' } } }), refused);
  await t.rejects(asScaler(['delete', 'trigger', 'written', '--wait=false']), refused);
  await server.kubectl(['delete', 'trigger', 'written', '-n', shop, '--wait=false']);
  await t.resolves(patch({ metadata: { finalizers: ['example.com/keep'] } }), 'also while it is deleted');
  const left = { metadata: { finalizers: [] } };
  await server.kubectl([
    'patch',
    'trigger',
    'written',
    '-n',
    shop,
    '--type=merge',
    '-p',
    JSON.stringify(left),
  ]);
});

t.test('with an apply, the API server checks the right to create by name', async (t) => {
  const configMap = (name: string): Loose => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data: { 'ca.crt': 'a' },
  });
  await t.resolves(apply(configMap('millrace-scaler-ca')), 'creates it');
  await t.resolves(asScaler(['get', 'configmap', 'millrace-scaler-ca']));
  await t.resolves(asScaler(['delete', 'configmap', 'millrace-scaler-ca']));
  await t.rejects(apply(configMap('another')), /cannot patch resource "configmaps"/);
  const authentication = {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'TriggerAuthentication',
    metadata: { name: 'millrace-scaler-ca' },
    spec: { configMapTargetRef: [{ parameter: 'caCert', name: 'millrace-scaler-ca', key: 'ca.crt' }] },
  };
  await t.resolves(apply(authentication));
  const posted = asScaler(['create', '-f', '-'], JSON.stringify(configMap('millrace-scaler-ca')));
  await t.rejects(posted, /cannot create resource "configmaps"/, 'and not without the name in the URL');
});

t.test('other accounts are not asked', async (t) => {
  await t.resolves(byPeople(service('unmarked')));
});

t.test(
  'there is a policy where the cluster has such, and the installation cluster-wide rights',
  async (t) => {
    const has = async (name: string, ...args: string[]): Promise<boolean> =>
      (await render(name, ...args)).some(({ kind }) => kind === 'ValidatingAdmissionPolicy');
    t.equal(await has('default'), true);
    t.equal(await has('default', '--kube-version', '1.29.0'), false);
    t.equal(await has('default', '--set', 'rbac.admissionPolicy=never'), false);
    t.equal(await has('watch-namespaces'), true);
    const alone = ['--set', 'access.tokenReviews=false'];
    t.equal(await has('watch-namespaces', ...alone), false);
    t.equal(await has('watch-namespaces', ...alone, '--set', 'rbac.admissionPolicy=always'), true);
  },
);
