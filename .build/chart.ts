// Writes what is made of the chart's values.yaml: its README, and the defaults that the templates put in the place of values that are absent:
// `npm run docs:chart`. A test fails if the files are outdated.
import { readFileSync, writeFileSync } from 'node:fs';
import { isMap, isScalar, parse, parseDocument, stringify, type Pair, type YAMLMap } from 'yaml';

const root = new URL('../', import.meta.url);
const chart = 'charts/millrace/';

interface Value {
  readonly path: string;
  /** In JSON. */
  readonly fallback: string;
  readonly description: string;
}

/** Path of a file in the repository → its text. */
export function renderChart(): ReadonlyMap<string, string> {
  const values = readFileSync(new URL(`${chart}values.yaml`, root), 'utf8');
  const about = parse(readFileSync(new URL(`${chart}Chart.yaml`, root), 'utf8')) as Readonly<
    Record<string, string>
  >;
  return new Map([
    [`${chart}README.md`, readme(about, valuesOf(values))],
    [
      `${chart}files/defaults.yaml`,
      `# Made from values.yaml by \`npm run docs:chart\`. Do not edit.\n${stringify(parse(values))}`,
    ],
  ]);
}

/** Every value that a user may set. What Kubernetes reads as it stands is one value. */
export function valuesOf(text: string): Value[] {
  const { contents } = parseDocument(text);
  if (!isMap(contents)) throw new Error('The values are no map');
  return fieldsOf(contents, '');
}

function fieldsOf(map: YAMLMap, path: string): Value[] {
  return map.items.flatMap((pair, index) => {
    const name = `${path}${keyOf(pair)}`;
    const description = describe(index === 0 ? (remarkOf(pair) ?? map.commentBefore) : remarkOf(pair));
    const { value } = pair;
    const isSection =
      isMap(value) && value.items.length > 0 && !/(resources|securityContext|issuerRef)$/i.test(name);
    if (!isSection) return [{ path: name, fallback: inJson(value), description }];
    return fieldsOf(value, `${name}.`);
  });
}

function keyOf({ key }: Pair): string {
  if (!isScalar(key)) throw new Error('A key of the values is no text');
  return String(key.value);
}

function remarkOf({ key }: Pair): string | null | undefined {
  return isScalar(key) ? key.commentBefore : undefined;
}

/** What follows `-- `, as helm-docs has it. Other remarks are for readers of the file alone. */
function describe(remark: string | null | undefined): string {
  const start = remark?.lastIndexOf(' -- ') ?? -1;
  if (remark == null || start < 0) return '';
  return remark
    .slice(start + 4)
    .split('\n')
    .map((line) => line.trim())
    .join(' ');
}

function inJson(value: unknown): string {
  const isNode = typeof value === 'object' && value !== null && 'toJSON' in value;
  return JSON.stringify(isNode ? (value as { toJSON(): unknown }).toJSON() : value);
}

function readme(about: Readonly<Record<string, string>>, values: readonly Value[]): string {
  const rows = values.map(
    ({ path, fallback, description }) => `| \`${path}\` | \`${cell(fallback)}\` | ${cell(description)} |`,
  );
  return `${head(about)}\n\n| value | default | what it does |\n|---|---|---|\n${rows.join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function head({
  description = '',
  version = '',
  kubeVersion = '',
}: Readonly<Record<string, string>>): string {
  return `<!-- Made from values.yaml by \`npm run docs:chart\`. Do not edit. -->

# Millrace

${description}.

Chart ${version}, for Kubernetes ${kubeVersion.replace(/-0$/, '')} with [KEDA](https://keda.sh/docs/latest/deploy/). It installs the gateway, the scaler with its
controller, the CRDs, and the RBAC rules, NetworkPolicies and certificates that protect them.

\`\`\`console
$ helm install millrace CHART --namespace millrace --create-namespace \\
    --set image.repository=REGISTRY/millrace --set kafka.bootstrapServers=HOST:PORT
$ helm test millrace --namespace millrace
\`\`\`

*CHART* is the chart's address: its folder in a checkout, or where it was published. The image must be one that the cluster can pull. In a checkout, \`npm run
image\` builds it, loads it into a kind, k3d or minikube cluster, and prints the command to go on with.

## Values

The schema of the chart refuses any other value. A value or a section that is absent or null has its default.`;
}

if (import.meta.main) {
  for (const [path, text] of renderChart()) writeFileSync(new URL(path, root), text);
}
