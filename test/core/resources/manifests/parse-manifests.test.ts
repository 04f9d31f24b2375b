import fc from 'fast-check';
import t from 'tap';
import { stringify } from 'yaml';
import { annotationTable } from '../../../../core/resources/annotations.ts';
import type { CheckExpression } from '../../../../core/contract/expressions.ts';
import { fieldTable } from '../../../../core/resources/schema/fields.ts';
import { formatProblem } from '../../../../core/contract/manifest-problem.ts';
import { parseManifests } from '../../../../core/resources/manifests/parse-manifests.ts';
import { triggerWith } from '../minimal-trigger.ts';

const check: CheckExpression = (dialect, expression) =>
  expression === `no ${dialect}` ? { message: 'it is none' } : undefined;
const read = (...texts: string[]) =>
  parseManifests(
    texts.map((text, index) => ({ file: `dir${index}/a.yaml`, text })),
    check,
  );
const lines = (...texts: string[]) => read(...texts).problems.map(formatProblem);

/** The Trigger of DESIGN.md section 5, less what is not built. */
const quakes = `apiVersion: millrace.dev/v1alpha1
kind: Trigger
metadata: { name: quake-alerts, namespace: geo }
spec:
  suspend: false
  source:
    cluster: main
    topics: [earthquakes]
    consumerGroup: millrace.geo.quake-alerts
    initialOffset: latest
  event:
    type: dev.millrace.record
    source: /kafka/main/earthquakes
    dialect: millrace
  filters:
    - prefix: { type: dev. }
  transform: []
  function:
    ref: { apiVersion: apps/v1, kind: Deployment, name: quake-alerts }
    port: 8080
    path: /
    contentMode: batched
    batch: { maxEvents: 100, maxBytes: 1Mi, maxWait: PT0.05S }
    concurrency: 8
  delivery:
    ordering: partition
    timeout: PT30S
    retry: 10
    backoffPolicy: exponential
    backoffDelay: PT0.3S
    backoffMax: PT60S
    retryAfterMax: PT5M
    maxAge: PT24H
    deadLetter: { topic: earthquakes.dead }
  reply: { topic: quake-notices, transactional: false }
  scale:
    minReplicaCount: 0
    maxReplicaCount: 10
    lagThreshold: 10
    activationLagThreshold: 0
    pollingInterval: 10
    cooldownPeriod: 30
status:
  observedGeneration: 1
`;

const mailer = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: mailer
  annotations:
    millrace.dev/topics: orders, payments
    millrace.dev/retry: "3"
    millrace.dev/dev-command: node server.js
spec: {}
---
apiVersion: v1
kind: Service
metadata: { name: mailer }
`;

t.test('the Trigger of the design, and annotations on a Deployment', async (t) => {
  const { subscriptions, problems } = read(quakes, mailer);
  t.strictSame(problems, []);
  t.match(subscriptions, [
    {
      key: 'geo/quake-alerts',
      delivery: { maxAgeMs: 86_400_000, deadLetter: { topic: 'earthquakes.dead' } },
      dev: undefined,
    },
    {
      key: 'default/mailer',
      source: { topics: ['orders', 'payments'], consumerGroup: 'millrace.default.mailer' },
      function: { target: { kind: 'ref', apiVersion: 'apps/v1', resource: 'Deployment', name: 'mailer' } },
      delivery: { retry: 3 },
      dev: { command: 'node server.js', directory: 'dir1' },
    },
  ]);
});

t.test('a wrong apiVersion or kind hides no other mistake', async (t) => {
  const text = quakes
    .replace('kind: Trigger', 'kind: Triger')
    .replace('v1alpha1', 'v1')
    .replace('retry: 10', 'retry: ten');
  const { subscriptions, problems } = read(text);
  t.strictSame(
    problems.map(({ path, line }) => [path, line]),
    [
      ['apiVersion', 1],
      ['kind', 2],
      ['spec.delivery.retry', 28],
    ],
  );
  t.strictSame(subscriptions, []);
  t.strictSame(read(quakes.replace('v1alpha1', 'v1')).subscriptions, [], 'nor does it run');
});

t.test('a Trigger’s function starts with its own command, else with that of its Deployment', async (t) => {
  const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: { name: mailer, annotations: { millrace.dev/dev-command: node server.js } }
`;
  const own = { 'metadata.annotations': { 'millrace.dev/dev-command': 'npm start' } };
  const devOf = (...texts: string[]) => read(...texts).subscriptions[0]?.dev;
  t.strictSame(devOf(stringify(triggerWith({})), deployment), {
    command: 'node server.js',
    directory: 'dir1',
  });
  t.strictSame(devOf(deployment, stringify(triggerWith(own))), { command: 'npm start', directory: 'dir1' });
  t.equal(devOf(stringify(triggerWith({ 'spec.function.ref.name': 'other' })), deployment), undefined);
  const { subscriptions } = parseManifests([{ file: 'a.yaml', text: stringify(triggerWith(own)) }], check);
  t.equal(subscriptions[0]?.dev?.directory, '.');
});

t.test('problems are reported in the order of files and lines, with the place', async (t) => {
  const broken = quakes
    .replace('retry: 10', 'retry: ten')
    .replace('port: 8080', 'prt: 8080')
    .replace('namespace: geo', 'namespace: Geo');
  t.match(lines(`a: [\n`, broken, mailer.replace('"3"', '3')), [
    /^dir0\/a\.yaml:2:1: cannot be read as YAML: .*\. Correct the YAML here, or just above\.$/,
    /^dir1\/a\.yaml:3:44 metadata\.namespace: must be a DNS label .*, is "Geo"\./,
    /^dir1\/a\.yaml:20:5 spec\.function\.prt: is not a field here\. Did you mean `port`\?$/,
    /^dir1\/a\.yaml:28:12 spec\.delivery\.retry: must be a whole number of at least -1, is "ten"\. Write `retry: 10`, for example\.$/,
    /^dir2\/a\.yaml:7:25 metadata\.annotations\["millrace\.dev\/retry"\]: must be a string/,
  ]);
  t.equal(lines(`a: [\n`, broken, mailer.replace('"3"', '3')).length, 5);
});

t.test('problems on one line are reported from left to right', async (t) => {
  const { problems } = read(
    '{ apiVersion: millrace.dev/v1alpha1, kind: Trigger, spec: { z: 1, y: 2 }, metadata: {} }',
  );
  const columns = problems.map(({ column }) => Number(column));
  t.ok(columns.length > 3);
  t.strictSame(
    columns,
    columns.toSorted((a, b) => a - b),
  );
});

t.test('only what is faultless runs', async (t) => {
  const wrong = stringify(triggerWith({ 'metadata.name': 'wrong', 'spec.delivery.retry': 'ten' }));
  const right = stringify(triggerWith({}));
  const { subscriptions, problems } = read(`${wrong}---\n${right}---\n${right}`);
  t.strictSame(
    subscriptions.map(({ key }) => key),
    ['default/mailer'],
  );
  t.match(
    problems.map(({ message }) => message),
    [/whole number/, /is taken in namespace default: dir0\/a\.yaml:15 declares/],
  );
});

t.test('a Deployment whose pods have annotations does not run either', async (t) => {
  const pods = mailer.replace(
    'spec: {}',
    'spec: { template: { metadata: { annotations: { millrace.dev/retry: "3" } } } }',
  );
  const { subscriptions, problems } = read(pods);
  t.strictSame(subscriptions, []);
  t.match(problems, [{ path: 'spec.template.metadata.annotations["millrace.dev/retry"]', line: 9 }]);
});

t.test('a Deployment that has not opted in', async (t) => {
  const deployment = mailer.replace('    millrace.dev/topics: orders, payments\n', '');
  t.match(lines(deployment), [/:6:5 .*retry"\]: has no effect without millrace\.dev\/topics/]);
  t.equal(lines(deployment).length, 1);
});

t.test('the items of a List are manifests', async (t) => {
  const { subscriptions, problems } = read(
    stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [triggerWith({}), triggerWith({ 'metadata.name': 'A' })],
    }),
  );
  t.equal(subscriptions.length, 1);
  t.match(problems, [{ path: 'metadata.name', message: /is "A"$/, line: Number }]);
  t.ok(Number(problems[0]?.line) > 10);
});

const cluster = (name: string, servers: string) =>
  `apiVersion: millrace.dev/v1alpha1\nkind: KafkaCluster\nmetadata: { name: ${name} }\nspec: { bootstrapServers: "${servers}" }\n`;
const inCluster = (name: string, changes = {}) =>
  stringify(triggerWith({ 'spec.source.cluster': name, ...changes }));

t.test('a KafkaCluster says where the triggers of its namespace find it', async (t) => {
  const { subscriptions, problems } = read(
    inCluster('pay', { 'metadata.name': 'a', 'spec.source.consumerGroup': 'g' }),
    inCluster('main', { 'metadata.name': 'b', 'spec.source.consumerGroup': 'g' }),
    cluster('pay', 'a:1, b:2'),
  );
  t.strictSame(problems, []);
  t.match(subscriptions, [
    { source: { cluster: 'pay', access: { brokers: ['a:1', 'b:2'] } } },
    { source: { cluster: 'main', access: undefined } },
  ]);
  t.match(read(inCluster('main'), cluster('main', 'a:1')).subscriptions, [
    { source: { access: { brokers: ['a:1'] } } },
  ]);
});

t.test('files share a KafkaCluster as namespaces do', async (t) => {
  const shared = cluster('main', 'a:1').replace('{ name: main }', '{ name: main, namespace: platform }');
  const granted = shared.replace('spec: {', 'spec: { allowedNamespaces: [default],');
  t.match(read(inCluster('platform/main'), granted), {
    subscriptions: [{ source: { cluster: 'platform/main', access: { brokers: ['a:1'] } } }],
    problems: [],
  });
  t.match(lines(inCluster('platform/main'), shared), [
    /names no KafkaCluster that namespace default may use/,
  ]);
  t.match(lines(granted.replace('[default]', '[Default, shop]')), [
    /spec\.allowedNamespaces\[0\]: must be the name of a namespace, or \* for all of them, is "Default"/,
  ]);
});

t.test('a cluster that is not there, is wrong, or there twice', async (t) => {
  const deployment = mailer.replace('topics: orders', 'cluster: pay\n    millrace.dev/topics: orders');
  t.match(lines(inCluster('pay', { 'metadata.name': 'a' }), deployment, cluster('pays', 'a:1')), [
    /^dir0\/a\.yaml:\d+:\d+ spec\.source\.cluster: names no KafkaCluster of namespace default, is "pay"\. Did you mean `cluster: pays`\?$/,
    /^dir1\/a\.yaml:6:27 metadata\.annotations\["millrace\.dev\/cluster"\]: names no KafkaCluster/,
  ]);
  const wrong = read(inCluster('pay'), cluster('pay', 'no port'));
  t.strictSame(wrong.subscriptions, []);
  t.match(wrong.problems, [{ path: 'spec.bootstrapServers', file: 'dir1/a.yaml', line: 4 }]);
  t.match(lines(cluster('pay', 'a:1'), cluster('pay', 'b:1')), [
    'dir1/a.yaml:3:19 metadata.name: is the name of another KafkaCluster in namespace default too: "pay". Write another name, or remove one of the two.',
  ]);
});

t.test(
  'a KafkaCluster that Kubernetes alone can look up is no mistake, and nothing is read of it',
  async (t) => {
    const inKubernetes = cluster('pay', '').replace('bootstrapServers: ""', 'strimzi: { kafka: my-cluster }');
    const { subscriptions, problems, kubernetesOnly } = read(inCluster('pay'), inKubernetes);
    t.strictSame([subscriptions, problems], [[], []]);
    t.match(kubernetesOnly, [
      { path: 'spec.strimzi', file: 'dir1/a.yaml', line: 4, message: /works in Kubernetes only/ },
    ]);
  },
);

t.test('other kinds are passed over', async (t) => {
  t.strictSame(read('apiVersion: v1\nkind: ConfigMap\n', '', 'just a text', '- a\n'), {
    subscriptions: [],
    problems: [],
    kubernetesOnly: [],
  });
  t.strictSame(parseManifests([], check), { subscriptions: [], problems: [], kubernetesOnly: [] });
});

t.test('no manifest is too strange: it is right, reported or passed over', async (t) => {
  const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<unknown>;
  const annotations = fc.dictionary(
    fc.constantFrom(...annotationTable.map(({ key }) => key)),
    fc.oneof(fc.string(), json),
  );
  const metadata = fc.oneof(json, fc.record({ name: fc.oneof(json, fc.constant('a')), annotations }));
  const spec = fc.dictionary(
    fc.constantFrom(...fieldTable.flatMap(({ steps }) => steps.slice(1, 2).map(String))),
    json,
  );
  const kinds = fc.constantFrom(
    { apiVersion: 'millrace.dev/v1alpha1', kind: 'Trigger' },
    { apiVersion: 'apps/v1', kind: 'Deployment' },
    { apiVersion: 'apps/v1', kind: 'StatefulSet' },
    { apiVersion: 'millrace.dev/v2', kind: 'Trigger' },
  );
  const manifest = fc
    .tuple(kinds, metadata, fc.oneof(json, spec))
    .map(([kind, metadata, spec]) => ({ ...kind, metadata, spec }));
  fc.assert(
    fc.property(fc.array(fc.oneof(manifest, json), { maxLength: 4 }), (values) => {
      const { problems } = read(...values.map((value) => stringify(value, { aliasDuplicateObjects: false })));
      for (const problem of problems) {
        t.ok(Number(problem.line) >= 1 && Number(problem.column) >= 1);
        t.match(formatProblem(problem), /^dir\d\/a\.yaml:\d+:\d+[^\n]* [^\n]*$/);
      }
    }),
  );
});

t.test('an expression that is none is reported with its place, and keeps its trigger from running', (t) => {
  const trigger = stringify(triggerWith({ 'spec.filters': [{ cel: 'right' }, { cesql: 'no cesql' }] }));
  const { subscriptions, problems } = read(trigger);
  t.strictSame(subscriptions, []);
  t.match(problems, [{ code: 'MILLRACE_MANIFEST_INVALID', path: 'spec.filters[1].cesql' }]);
  const line = trigger.split('\n').findIndex((text) => text.includes('no cesql')) + 1;
  t.match(lines(trigger), [
    new RegExp(
      `^dir0/a.yaml:${line}:\\d+ spec.filters\\[1\\].cesql: is not valid CloudEvents SQL: it is none. `,
    ),
  ]);
  t.end();
});
