// What `millrace validate` says of a manifest, the API server says too: each accepts what the other accepts, at every bound of every field.
// Where Millrace knows more, its controller reports it in the status of the resource.
import fc from 'fast-check';
import t from 'tap';
import { renderCrds } from '../../.build/crds.ts';
import { pathText } from '../../core/contract/path.ts';
import type { Mistake } from '../../core/contract/manifest-problem.ts';
import type { ResourceKind } from '../../core/contract/kubernetes-client.ts';
import { checkExpression } from '../../core/expressions/compile-expression.ts';
import { annotationTable } from '../../core/resources/annotations.ts';
import { validateKafkaCluster } from '../../core/resources/kafka-cluster.ts';
import { deploymentKind, kafkaClusterKind, triggerKind } from '../../core/resources/kinds.ts';
import { validateTriggerManifest } from '../../core/resources/manifests/validate-manifest.ts';
import { clusterFieldTable, fieldTable } from '../../core/resources/schema/fields.ts';
import { declareTrigger } from '../../core/resources/trigger-resource.ts';
import { minimalTrigger } from '../core/resources/minimal-trigger.ts';
import { createNamespace, useApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { openDryRun } from './fixtures/dry-run.ts';
import { changed, valuesFor, variantsOf, type Change, type Contexts } from './fixtures/manifest-variants.ts';

t.setTimeout(300_000);
const server = await useApiServer(t);
const names = ['triggers.millrace.dev', 'kafkaclusters.millrace.dev'];
for (const text of renderCrds().values()) await server.kubectl(['apply', '--server-side', '-f', '-'], text);
await server.kubectl(['wait', '--for=condition=Established', ...names.map((name) => `crd/${name}`)]);
const namespace = await createNamespace(t, server);
const api = await openDryRun(t, server.kubeconfig, namespace);

const set = (path: string, value: unknown): Change => ({ at: path.split('.'), value });
const secret = { secretName: 'mailer' };

const triggerContexts: Contexts = {
  'spec.source.topicPattern': [set('spec.source.topics', undefined)],
  'spec.function.service': [set('spec.function.ref', undefined)],
  'spec.function.uri': [set('spec.function.ref', undefined)],
  'spec.function.batch': [set('spec.function.contentMode', 'batched')],
  'spec.function.adaptiveConcurrency': [set('spec.function.concurrency', 'adaptive')],
  'spec.function.tls.certificate': [set('spec.function.tls.key', secret)],
  'spec.function.tls.key': [set('spec.function.tls.certificate', secret)],
  'spec.function.tls.keyPassword': [set('spec.function.tls', { certificate: secret, key: secret })],
  'spec.function.authentication': [
    set('spec.function.authentication', {
      type: 'oauthbearer',
      tokenEndpoint: 'https://sso.example.com/token',
      clientId: 'mailer',
      clientSecret: secret,
    }),
  ],
  'spec.function.authentication.clientAssertion': [
    set('spec.function.authentication.clientSecret', undefined),
    set('spec.function.authentication.clientAssertion', { serviceAccountName: 'a', audience: 'b' }),
  ],
  'spec.function.authentication.serviceAccountName': [
    set('spec.function.authentication', { type: 'service-account', audience: 'mailer' }),
  ],
  'spec.delivery.maxParkedKeys': [set('spec.delivery.ordering', 'key')],
  'spec.delivery.rateLimit': [set('spec.delivery.rateLimit', { eventsPerSecond: 5 })],
  'spec.delivery.backoffDelay': [set('spec.delivery.backoffMax', 'P24D')],
  'spec.delivery.backoffMax': [set('spec.delivery.backoffDelay', 'PT0S')],
  'spec.reply': [set('spec.reply', { topic: 'notices' })],
  'spec.scale.minReplicaCount': [set('spec.scale.maxReplicaCount', 2_147_483_647)],
  'spec.scale.behavior.scaleUp.policies': [
    set('spec.scale.behavior.scaleUp.policies', [{ type: 'Pods', value: 1, periodSeconds: 1 }]),
  ],
  'spec.scale.behavior.scaleDown.policies': [
    set('spec.scale.behavior.scaleDown.policies', [{ type: 'Pods', value: 1, periodSeconds: 1 }]),
  ],
};

const password = { type: 'plain', username: 'orders', password: secret };
const certificate = { type: 'tls', certificate: secret, key: secret };
const token = {
  type: 'oauthbearer',
  tokenEndpoint: 'https://sso.example.com/token',
  clientId: 'a',
  clientSecret: secret,
};
const inAuthentication = (name: string): string => `spec.authentication.${name}`;
const byType = (authentication: object, ...fields: string[]): Contexts =>
  Object.fromEntries(
    fields.map((name) => [inAuthentication(name), [set('spec.authentication', authentication)]]),
  );

const clusterContexts: Contexts = {
  'spec.tls': [set('spec.tls', {})],
  ...byType(password, 'type', 'username', 'password'),
  ...byType(certificate, 'certificate', 'key', 'keyPassword'),
  ...byType(token, 'tokenEndpoint', 'clientId', 'clientSecret', 'scope', 'ca', 'audience', 'extensions'),
  'spec.authentication.certificate': [set('spec.authentication', certificate), set('spec.tls', {})],
  'spec.authentication.key': [set('spec.authentication', certificate), set('spec.tls', {})],
  'spec.authentication.keyPassword': [set('spec.authentication', certificate), set('spec.tls', {})],
  'spec.authentication.clientAssertion': [
    set('spec.authentication', { ...token, clientSecret: undefined }),
    set('spec.authentication.clientAssertion', { serviceAccountName: 'a', audience: 'b' }),
  ],
  'spec.strimzi': [set('spec.bootstrapServers', undefined), set('spec.strimzi', { kafka: 'a' })],
  'spec.binding': [set('spec.bootstrapServers', undefined)],
};

interface Subject {
  readonly kind: ResourceKind;
  readonly base: unknown;
  readonly variants: readonly (readonly Change[])[];
  readonly validate: (manifest: unknown) => readonly Mistake[];
}

const trigger: Subject = {
  kind: triggerKind,
  base: minimalTrigger(),
  variants: variantsOf(fieldTable, triggerContexts),
  validate: (manifest) => validateTriggerManifest(manifest, checkExpression).mistakes,
};
const cluster: Subject = {
  kind: kafkaClusterKind,
  base: {
    apiVersion: kafkaClusterKind.apiVersion,
    kind: kafkaClusterKind.kind,
    metadata: { name: 'main' },
    spec: { bootstrapServers: 'kafka:9092' },
  },
  variants: variantsOf(clusterFieldTable, clusterContexts),
  validate: (manifest) => {
    const verdict = validateKafkaCluster(manifest);
    return verdict.kind === 'wrong' ? verdict.mistakes : [];
  },
};

/** What only Millrace can know. The API server accepts it; the status of the resource reports it. */
const onlyMillraceKnows: readonly (readonly [what: string, mistake: RegExp])[] = [
  ['whether an expression compiles', /^spec\.filters\S* is not valid (CEL|CloudEvents SQL)/],
  ['the attributes of CloudEvents', /^spec\.filters\S* is not the name of a CloudEvents attribute/],
  ['whether a pattern compiles', /^spec\.source\.topicPattern must be a regular expression/],
  ['how long a duration is', /^\S+ must be an ISO 8601 duration .*, is "P/],
  ['which order two durations have', /^spec\.delivery\.backoff\w+ must not be (above|below)/],
  ['which days a month has', /^spec\.source\.initialOffset must be earliest, .* is "\d{4}-/],
  ['which hosts a URL may have', /^\S+ must be an https? (or https )?URL .*, is "http/],
  ['what is in filters that nest deeply', /^spec\.filters\[\d+\](\.(not|any\[\d+\]|all\[\d+\])){3,}/],
  ['how large a whole spec is', /^spec must (hold at most|not nest more)/],
  ['that a value has been forgotten', /^metadata\.(labels|annotations)\.\S+ must be .*, is empty$/],
  ['the namespace of a group', /^spec\.source\.consumerGroup must not be a group of another namespace/],
];

interface Verdict {
  readonly manifest: unknown;
  readonly refusal: string | undefined;
  readonly mistakes: readonly string[];
}

async function compare(subject: Subject, manifests: readonly unknown[]): Promise<readonly Verdict[]> {
  const refusals = await api.judge(subject.kind, manifests);
  return manifests.map((manifest, index) => ({
    manifest,
    refusal: refusals[index],
    mistakes: subject.validate(manifest).map(({ at, message }) => `${pathText(at)} ${message}`),
  }));
}

function disagreement({ manifest, refusal, mistakes }: Verdict): string | undefined {
  if ((refusal === undefined) === (mistakes.length === 0)) return undefined;
  const isKnown = mistakes.every((one) => onlyMillraceKnows.some(([, mistake]) => mistake.test(one)));
  if (refusal === undefined && isKnown) return undefined;
  const shown = JSON.stringify((manifest as { spec: unknown }).spec).slice(0, 400);
  return `${shown}\n  the API server: ${refusal?.slice(0, 300) ?? 'accepts it'}\n  validate: ${mistakes.join('; ').slice(0, 300) || 'accepts it'}`;
}

for (const subject of [trigger, cluster]) {
  const { kind, base, variants } = subject;
  t.test(
    `a ${kind.kind} with one field at, below and beyond each bound: ${variants.length} of them`,
    async (t) => {
      const verdicts = await compare(
        subject,
        variants.map((changes) => changed(base, changes)),
      );
      t.strictSame(
        verdicts.flatMap((verdict) => disagreement(verdict) ?? []),
        [],
      );
      const pathOf = (index: number): string => pathText(variants[index]?.at(-1)?.at ?? []);
      const tried = Map.groupBy(verdicts, (verdict) => pathOf(verdicts.indexOf(verdict)));
      for (const [path, ofField] of tried) {
        if (path.endsWith('unknown')) continue;
        t.ok(
          ofField.some(({ refusal }) => refusal === undefined),
          `${path} is accepted with some value`,
        );
        t.ok(
          ofField.some(({ refusal }) => refusal !== undefined),
          `${path} is refused with some value`,
        );
      }
    },
  );

  t.test(`a ${kind.kind} with several fields changed at random`, async (t) => {
    const seed = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 2 ** 31);
    t.comment(`MILLRACE_TEST_SEED=${seed}`);
    const several = fc.array(fc.constantFrom(...variants), { minLength: 2, maxLength: 4 });
    const manifests = fc.sample(several, { seed, numRuns: 600 }).map((some) => changed(base, some.flat()));
    const verdicts = await compare(subject, manifests);
    t.strictSame(
      verdicts.flatMap((verdict) => disagreement(verdict) ?? []),
      [],
    );
  });
}

const label = (key: string, value: unknown): object => ({ labels: { [key]: value } });
const annotation = (key: string, value: unknown): object => ({ annotations: { [key]: value } });
for (const metadata of [
  ...['a', 'a-b', '3d-labels', 'api.v2', 'x'.repeat(253)].map((name) => ({ name })),
  ...['A', '-a', 'a-', 'a_b', 'a..b', 'x'.repeat(254)].map((name) => ({ name })),
  ...['a', 'A.b_c-1', 'a.b/c', `${'x'.repeat(253)}/${'y'.repeat(63)}`].map((key) => label(key, 'a')),
  ...['', '-a', '/a', 'a/', 'A.b/c', 'a/b/c', 'ä', 'x'.repeat(64), `${'x'.repeat(254)}/a`].map((key) =>
    label(key, 'a'),
  ),
  ...['', 'a', 'A.b_c-1', 'x'.repeat(63), '-a', 'a b', 'a/b', 'ä', 'x'.repeat(64), 1, true, null].map(
    (value) => label('a', value),
  ),
  ...['a', 'A.b_c-1', 'A.b/c', 'x'.repeat(63), '-a', '/a', 'a/', 'ä', 'x'.repeat(64)].map((key) =>
    annotation(key, 'a'),
  ),
  ...['', 'a b\nc', 'ä'.repeat(1_000), 1, true, null, {}].map((value) => annotation('a', value)),
  ...[-10, -2, -1, 0].map((beyond) => annotation('a', 'x'.repeat(256 * 1024 + beyond))),
  { labels: [] },
  { unknown: 1 },
]) {
  t.test(`a Trigger with the metadata ${JSON.stringify(metadata).slice(0, 80)}`, async (t) => {
    const manifest = { ...minimalTrigger(), metadata: { name: 'mailer', ...metadata } };
    const [verdict] = await compare(trigger, [manifest]);
    t.equal(disagreement(verdict as Verdict), undefined);
  });
}

t.test('a spec that is too large or too deep for Millrace is not too large for the API server', async (t) => {
  const nested = (depth: number): object => (depth === 0 ? { cel: 'true' } : { not: nested(depth - 1) });
  const long = Array.from({ length: 20 }, (_, index) => ({ cel: `"${'x'.repeat(4_000)}" == "${index}"` }));
  for (const filters of [[nested(61)], [nested(62)], long.slice(0, 16), long]) {
    const [verdict] = await compare(trigger, [changed(trigger.base, [set('spec.filters', filters)])]);
    t.equal(disagreement(verdict as Verdict), undefined);
  }
});

t.test(
  'whatever the annotations of a Deployment say, the API server accepts the Trigger that they make',
  async (t) => {
    const texts = annotationTable.flatMap(({ key, field: { schema } }) =>
      valuesFor(schema).flatMap((value) =>
        value === null ? [] : [[key, [value].flat().map(String).join(',')] as const],
      ),
    );
    const names = [...annotationTable.map(({ key }) => key), 'millrace.dev/topic', 'millrace.dev/unknown'];
    const pairs = [...texts, ...names.map((key) => [key, 'a'] as const)];
    const seed = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 2 ** 31);
    t.comment(`MILLRACE_TEST_SEED=${seed}`);
    const several = fc.array(fc.constantFrom(...pairs), { minLength: 2, maxLength: 6 });
    const all = [...pairs.map((pair) => [pair]), ...fc.sample(several, { seed, numRuns: 300 })];
    const triggers = all.map((some) => {
      const annotations = { 'millrace.dev/topics': 'orders', ...Object.fromEntries(some) };
      return declareTrigger({ ...deploymentKind, metadata: { name: 'mailer', annotations } });
    });
    const refusals = await api.judge(triggerKind, triggers);
    t.strictSame(
      refusals.flatMap((refusal, index) => (refusal === undefined ? [] : [[all[index], refusal]])),
      [],
    );
  },
);

t.test(
  'a Deployment with as many annotations as it can have makes a Trigger that can be stored',
  async (t) => {
    const names = Array.from({ length: 4_000 }, (_, index) => `millrace.dev/${'x'.repeat(40)}${index}`);
    const annotations = Object.fromEntries(names.map((name) => [name, 'y']));
    const metadata = { name: 'mailer', annotations: { ...annotations, 'millrace.dev/topics': 'orders' } };
    const declared = declareTrigger({ ...deploymentKind, metadata });
    t.strictSame(await api.judge(triggerKind, [declared]), [undefined]);
  },
);
