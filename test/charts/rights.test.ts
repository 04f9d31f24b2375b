// The table of rights in docs/security.md has every right that the chart grants, and no other.
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { parseManifests, required, template, type Loose, type Manifest } from './fixtures/helm.ts';

/** What turns on the rights of a row, by its column `when`. */
const settings: Record<string, readonly string[]> = {
  always: [],
  'TLS without a client certificate of KEDA': ['scaler.tls.enabled=true', 'scaler.tls.existingSecret=given'],
  watchNamespaces: ['watchNamespaces={shop}'],
  'strimzi.enabled': ['strimzi.enabled=true'],
  secretAccess: [
    'secretAccess[0].namespace=shop',
    'secretAccess[0].secrets={kafka-user}',
    'secretAccess[0].serviceAccounts={kafka-user}',
  ],
  'access.tokenReviews': ['access.tokenReviews=true'],
  'the chart makes certificates': ['gateway.tls.enabled=true', 'scaler.tls.enabled=true'],
  "the chart makes KEDA's certificate": [
    'gateway.tls.enabled=true',
    'scaler.tls.enabled=true',
    'scaler.tls.clients.kedaNamespace=keda',
  ],
  'metrics.podMonitor.enabled': ['access.tokenReviews=true', 'metrics.podMonitor.enabled=true'],
  'rbac.aggregate': ['rbac.aggregate=true'],
};
/** The rows with this say that they come with others. */
const together = 'with the rights above';

const least = [
  'gateway.tls.enabled=false',
  'scaler.tls.enabled=false',
  'access.tokenReviews=false',
  'rbac.aggregate=false',
];

/** The rights that the chart grants, as `who | where | what | verb`. */
async function grantedWith(more: readonly string[]): Promise<Set<string>> {
  const { code, stdout, stderr } = await template(
    ...required,
    ...[...least, ...more].flatMap((one) => ['--set', one]),
  );
  t.equal(code, 0, stderr);
  const manifests = parseManifests(stdout);
  const roles = manifests.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole');
  const bindings = manifests.filter(
    ({ kind }) => kind.endsWith('RoleBinding') || kind === 'ClusterRoleBinding',
  );
  return new Set([
    ...roles.flatMap((role) => rightsOf(role, bindings)),
    ...bindings.flatMap((binding) =>
      binding.roleRef.name === 'system:auth-delegator' ? reviews(binding) : [],
    ),
  ]);
}

function rightsOf(role: Manifest, bindings: readonly Manifest[]): string[] {
  const { rules, metadata } = role;
  const binding = bindings.find(({ roleRef }) => roleRef.name === metadata.name);
  const who = binding === undefined ? aggregatedBy(metadata.name) : accountOf(binding);
  return rules.flatMap(
    ({ apiGroups = [], resources = [], nonResourceURLs = [], resourceNames, verbs }: Loose) => {
      const whats = [
        ...apiGroups.flatMap((group: string) => resources.map((resource: string) => nameOf(resource, group))),
        ...nonResourceURLs,
      ];
      const named = whats.flatMap((what: string) =>
        (resourceNames ?? ['']).map((name: string) => `${what} ${placeholderOf(name)}`.trim()),
      );
      const where = whereOf(role, nonResourceURLs.length > 0);
      return named.flatMap((what: string) =>
        verbs.map((verb: string) => [who, where, what, verb].join(' | ')),
      );
    },
  );
}

function nameOf(resource: string, group: string): string {
  const [name, sub] = resource.split('/');
  const ofGroup = group === '' || group === '*' ? name : `${name}.${group}`;
  return sub === undefined ? `${ofGroup}` : `${ofGroup}/${sub}`;
}

function placeholderOf(name: string): string {
  if (name === 'kafka-user') return 'NAMED';
  if (name === 'shop') return 'WATCHED';
  return name
    .replace(/^mill-millrace/, 'NAMESPACE-RELEASE')
    .replace(/^millrace/, 'RELEASE')
    .replace(/\.mill$/, '.NAMESPACE');
}

function accountOf({ subjects }: Manifest): string {
  return subjects[0].name.replace('millrace-', '');
}

function aggregatedBy(name: string): string {
  return name.endsWith('-view') ? 'whoever has view, edit or admin' : 'whoever has edit or admin';
}

function whereOf({ kind, metadata }: Manifest, isUrl: boolean): string {
  if (isUrl) return 'cluster';
  if (/-(view|edit)$/.test(metadata.name)) return 'bound';
  if (kind === 'ClusterRole' || metadata.namespace === 'shop')
    return metadata.name.endsWith('-secrets') ? 'named' : 'served';
  return metadata.namespace === 'keda' ? "KEDA's" : 'own';
}

function reviews(binding: Manifest): string[] {
  const both = ['tokenreviews.authentication.k8s.io', 'subjectaccessreviews.authorization.k8s.io'];
  return both.map((what) => [accountOf(binding), 'cluster', what, 'create'].join(' | '));
}

interface Row {
  readonly rights: readonly string[];
  readonly when: string;
}

async function tableRows(): Promise<Row[]> {
  const text = await readFile('docs/security.md', 'utf8');
  const [, section = ''] = text.split('## Rights in the cluster\n');
  const [, , ...lines] = section
    .split('\n#', 1)[0]!
    .split('\n')
    .filter((line) => line.startsWith('|'));
  return lines.map((line) => {
    const [who = '', where = '', what = '', verbs = '', when = ''] = line
      .slice(1)
      .replaceAll('`', '')
      .split('|')
      .map((cell) => cell.trim());
    const each = (cell: string): string[] => (cell.startsWith('whoever') ? [cell] : cell.split(', '));
    const rights = each(who).flatMap((one) =>
      each(where).flatMap((place) =>
        each(what).flatMap((thing) => each(verbs).map((verb) => [one, place, thing, verb].join(' | '))),
      ),
    );
    return { rights, when };
  });
}

t.test('the table of rights is what the chart renders', async (t) => {
  const rows = await tableRows();
  t.ok(rows.length > 20);
  const always = await grantedWith([]);
  const ofRows = (when: string): string[] =>
    rows.filter((row) => row.when === when).flatMap(({ rights }) => rights);
  t.strictSame(ofRows('always').toSorted(), [...always].toSorted(), 'always');
  for (const [when, more] of Object.entries(settings)) {
    if (when === 'always') continue;
    const granted = [...(await grantedWith(more))].filter((right) => !always.has(right));
    const listed = new Set(ofRows(when));
    const elsewhere = new Set(rows.filter((row) => row.when !== when).flatMap(({ rights }) => rights));
    t.strictSame(
      [...listed].filter((right) => !granted.includes(right)),
      [],
      `${when}: the chart grants what the table has`,
    );
    t.strictSame(
      granted.filter((right) => !listed.has(right) && !elsewhere.has(right)),
      [],
      `${when}: the table has what the chart grants`,
    );
  }
  const known = new Set([...Object.keys(settings), together]);
  t.strictSame(
    rows.map(({ when }) => when).filter((when) => !known.has(when)),
    [],
    'every row says when',
  );
  const made = await grantedWith(settings["the chart makes KEDA's certificate"]!);
  for (const right of ofRows(together)) t.ok(made.has(right), right);
});

t.test(
  'where KEDA shows a certificate, or without TLS, no ConfigMap and no TriggerAuthentication',
  async (t) => {
    for (const more of [[], ['scaler.tls.enabled=true', 'scaler.tls.clients.kedaNamespace=keda']]) {
      const ofScaler = [...(await grantedWith(more))].filter((right) => right.startsWith('scaler '));
      t.notMatch(ofScaler.join('\n'), /configmaps|triggerauthentications/);
    }
  },
);
