// The names that a release gives to its resources: legal for any release, and different for two charts of one umbrella.
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import {
  chartDir,
  find,
  helm,
  kubeVersion,
  parseManifests,
  required,
  type Loose,
  type Manifest,
} from './fixtures/helm.ts';

const settings = {
  image: { repository: 'registry.example.com/millrace' },
  kafka: { bootstrapServers: 'kafka:9092' },
};
const common = [
  '-n',
  'mill',
  '--kube-version',
  kubeVersion,
  '--api-versions',
  'keda.sh/v1alpha1/ScaledObject',
];

async function renderRelease(release: string, ...args: string[]): Promise<Manifest[]> {
  const { code, stdout, stderr } = await helm('template', release, chartDir, ...common, ...required, ...args);
  if (code !== 0) throw new Error(stderr);
  return parseManifests(stdout);
}

/** An umbrella chart with Millrace under these names. */
async function renderUmbrella(t: Test, values: Loose, dependencies: readonly Loose[]): Promise<Manifest[]> {
  const dir = join(t.testdir(), 'umbrella');
  const chart = { apiVersion: 'v2', name: 'umbrella', version: '1.0.0', dependencies };
  await mkdir(join(dir, 'charts'), { recursive: true });
  await cp(chartDir, join(dir, 'charts', 'millrace'), { recursive: true });
  await writeFile(join(dir, 'Chart.yaml'), stringify(chart));
  await writeFile(join(dir, 'values.yaml'), stringify(values));
  const { code, stdout, stderr } = await helm('template', 'shop', dir, ...common);
  if (code !== 0) throw new Error(stderr);
  return parseManifests(stdout);
}

const namesOf = (manifests: readonly Manifest[], kind: string): string[] =>
  manifests.filter((one) => one.kind === kind).map(({ metadata }) => metadata.name);

const [label, subdomain] = [/^[a-z]([-a-z0-9]*[a-z0-9])?$/, /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/];

t.test('every name is legal, for any name of a release', async (t) => {
  const releases = ['a', 'mill.v2', '3d-labels', 'api.v2', `${'long-'.repeat(10)}end`, '9'.repeat(53)];
  for (const release of releases) {
    const manifests = await renderRelease(release, '--set', 'metrics.podMonitor.enabled=true');
    for (const { kind, metadata } of manifests) {
      const { name, labels = {} } = metadata;
      const isPlain = ['Service', 'Job', 'Deployment', 'Pod'].includes(kind);
      if (isPlain) t.ok(label.test(name) && name.length <= 63, `${kind} ${name}`);
      else if (!kind.includes('Role')) t.ok(subdomain.test(name) && name.length <= 253, `${kind} ${name}`);
      for (const value of Object.values(labels)) t.ok(value.length <= 63, value);
    }
    const [service = ''] = namesOf(manifests, 'Service');
    const { env } = find(manifests, 'Deployment', service).spec.template.spec.containers[0];
    const urls = env.find(({ name }: Loose) => name === 'SCALER_URLS').value;
    t.ok(namesOf(manifests, 'Service').some((name) => urls.includes(`//${name}.mill.svc:`)));
  }
});

t.test('names that look like numbers stay names', async (t) => {
  const args = [
    '--set-string',
    'watchNamespaces={123},imagePullSecrets[0].name=1e3,scaler.serviceAccount.name=7',
  ];
  const manifests = await renderRelease(
    '0',
    '-n',
    '42',
    ...args,
    '--set-string',
    'access.adminToken.existingSecret=9',
  );
  t.strictSame(
    manifests.filter(({ kind }) => !kind.startsWith('Custom')).flatMap((one) => numbersIn(one, one.kind)),
    [],
  );
});

/** The fields of Kubernetes that hold a text, where a number stands. */
function numbersIn(node: Loose, path: string): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => {
    const isText = /^(name|namespace|serviceAccountName|secretName)$|labels|resourceNames/i.test(key);
    const items = typeof value === 'object' ? Object.values(value ?? {}) : [value];
    const isWrong = isText && items.some((one) => typeof one === 'number');
    return [...(isWrong ? [`${path}.${key}`] : []), ...numbersIn(value, `${path}.${key}`)];
  });
}

t.test('two long names stay two', async (t) => {
  const long = 'a-release-with-a-name-of-fifty-three-characters-numbe';
  t.equal(long.length, 53);
  const [one, other] = [await renderRelease(long), await renderRelease(`${long.slice(0, -1)}f`)];
  t.notOk(namesOf(one, 'Service').some((name) => namesOf(other, 'Service').includes(name)));
});

t.test('nameOverride follows the release, and fullnameOverride replaces both', async (t) => {
  const services = async (...args: string[]): Promise<string[]> =>
    namesOf(await renderRelease('shop', ...args), 'Service');
  t.ok((await services()).includes('shop-gateway'));
  t.ok((await services('--set', 'nameOverride=events')).includes('shop-events-gateway'));
  t.ok((await services('--set', 'fullnameOverride=mill')).includes('mill-gateway'));
});

t.test('an umbrella chart may have Millrace twice, with what it gives to all of its charts', async (t) => {
  const global = {
    imageRegistry: 'mirror.example.com',
    imagePullSecrets: ['mirror'],
    commonLabels: { team: 'shop' },
  };
  const values = { global, millrace: settings, events: { ...settings, crds: { enabled: false } } };
  const manifests = await renderUmbrella(t, values, [
    { name: 'millrace', version: '0.1.0' },
    { name: 'millrace', version: '0.1.0', alias: 'events' },
  ]);
  const deployments = ['shop-millrace-gateway', 'shop-events-gateway'].map((name) =>
    find(manifests, 'Deployment', name),
  );
  const selectors = deployments.map(({ spec }) => JSON.stringify(spec.selector));
  t.not(selectors[0], selectors[1], 'neither selects the pods of the other');
  for (const { metadata, spec } of deployments) {
    const pod = spec.template.spec;
    t.equal(pod.containers[0].image, 'mirror.example.com/millrace:0.1.0');
    t.strictSame(pod.imagePullSecrets, [{ name: 'mirror' }]);
    t.equal(metadata.labels?.team, 'shop');
  }
  const places = manifests.map(
    ({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
  );
  t.equal(new Set(places).size, places.length, 'no resource is there twice');
});

t.test('a dependency that is not enabled renders nothing', async (t) => {
  const dependency = { name: 'millrace', version: '0.1.0' };
  t.strictSame(await renderUmbrella(t, { millrace: { enabled: false } }, [dependency]), []);
  const byCondition = { ...dependency, condition: 'millrace.enabled' };
  t.strictSame(await renderUmbrella(t, { millrace: { enabled: false } }, [byCondition]), []);
  t.not((await renderUmbrella(t, { millrace: settings }, [byCondition])).length, 0);
});
