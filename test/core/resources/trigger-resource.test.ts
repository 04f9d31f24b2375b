import t from 'tap';
import type { CheckExpression } from '../../../core/contract/expressions.ts';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import { invalid } from '../../../core/contract/manifest-problem.ts';
import {
  declareTrigger,
  mistakesAnnotation,
  readAccepted,
} from '../../../core/resources/trigger-resource.ts';
import { apiVersion } from '../../../core/resources/schema/trigger-schema.ts';
import { readTriggerResource, type ReadingContext } from '../../fixtures/read-trigger.ts';
import { triggerWith } from './minimal-trigger.ts';

const checkExpression: CheckExpression = (_, expression) =>
  expression === 'no' ? { message: 'it is none' } : undefined;

/** As the API server has it: with more than was written. */
function stored(changes: Readonly<Record<string, unknown>> = {}): Resource {
  const server = { uid: 'u', generation: 2, managedFields: [], selfLink: 'x', clusterName: 'y' };
  const { metadata, ...rest } = triggerWith({ 'metadata.namespace': 'geo', ...changes }) as Resource;
  return { ...rest, metadata: { ...metadata, ...server }, status: { conditions: [] } };
}

const cluster = (name: string, spec: object, namespace = 'geo'): Resource => ({
  apiVersion,
  kind: 'KafkaCluster',
  metadata: { name, namespace },
  spec,
});
const usual: ReadingContext = { checkExpression, functionUris: 'guarded' };
const read = (changes: Readonly<Record<string, unknown>>, context: Partial<ReadingContext> = {}) =>
  readTriggerResource(stored(changes), { ...usual, ...context });

t.test('what the API server has of a right Trigger is a subscription', async (t) => {
  t.match(read({}), {
    kind: 'right',
    subscription: { key: 'geo/mailer', source: { access: undefined }, delivery: { retry: 10 } },
  });
  const clusters = [cluster('pay', { bootstrapServers: 'a:1,b:2' })];
  t.match(read({ 'spec.source.cluster': 'pay' }, { clusters }), {
    kind: 'right',
    subscription: { source: { cluster: 'pay', access: { brokers: ['a:1', 'b:2'] } } },
  });
  const granted = cluster('pay', { bootstrapServers: 'c:1', allowedNamespaces: ['geo'] }, 'platform');
  t.match(read({ 'spec.source.cluster': 'platform/pay' }, { clusters: [...clusters, granted] }), {
    kind: 'right',
    subscription: {
      source: { cluster: 'platform/pay', access: { brokers: ['c:1'], namespace: 'platform' } },
    },
  });
  t.match(read({ 'spec.function': { uri: 'http://a/' } }), { kind: 'right' });
  t.match(readTriggerResource(triggerWith({}) as Resource, usual), {
    kind: 'right',
    subscription: { key: 'default/mailer' },
  });
  t.match(readTriggerResource({ ...stored(), spec: undefined }, usual), {
    kind: 'wrong',
    message: /^spec: is missing/,
  });
});

const uri = { 'spec.function': { uri: 'http://a/' } };
const notThere = invalid(['spec', 'strimzi', 'kafka'], 'value', 'is not there', 'Make it.');
const refused: readonly [
  changes: Readonly<Record<string, unknown>>,
  reason: string,
  message: RegExp,
  context?: Partial<ReadingContext>,
][] = [
  [{ 'spec.delivery.backoffDelay': 'PT2M' }, 'InvalidSpec', /^spec\.delivery\.backoffDelay: .* \S+\.$/],
  [
    { 'spec.filters': [{ cel: 'no' }] },
    'InvalidSpec',
    /^spec\.filters\[0\]\.cel: is not valid CEL: it is none/,
  ],
  [{ 'spec.transform': [{ cel: 'a' }] }, 'NotBuilt', /^spec\.transform: a list is not built yet/],
  [{ 'spec.transform': [1], 'spec.delivery.retry': -5 }, 'InvalidSpec', /transform.* spec\.delivery\.retry/],
  [
    { 'metadata.annotations': { 'millrace.dev/retry': '3' } },
    'InvalidSpec',
    /is for Deployments\. In a Trigger, write spec\.delivery\.retry\.$/,
  ],
  [
    uri,
    'UriNotAllowed',
    /^spec\.function\.uri: is not allowed.* functions\.uris=guarded /,
    { functionUris: 'refused' },
  ],
  [
    { 'spec.function': { uri: 'http://169.254.169.254/latest' } },
    'UriNotAllowed',
    /^spec\.function\.uri: leads to 169\.254\.169\.254, which is a link-local address/,
  ],
  [{ 'spec.source.cluster': 'pay' }, 'UnknownCluster', /^spec\.source\.cluster: names no KafkaCluster/],
  [
    { 'spec.source.cluster': 'far/pay' },
    'ClusterNotGranted',
    /^spec\.source\.cluster: names no KafkaCluster that namespace geo may use, is "far\/pay"\. Ask the owner /,
    { clusters: [cluster('pay', { bootstrapServers: 'a:1', allowedNamespaces: ['shop'] }, 'far')] },
  ],
  [
    { 'spec.source.cluster': 'far/pay' },
    'InvalidCluster',
    /^spec\.source\.cluster: the KafkaCluster far\/pay has mistakes\. spec: must have exactly one/,
    { clusters: [cluster('pay', {}), cluster('pay', { allowedNamespaces: ['geo'] }, 'far')] },
  ],
  [
    { 'spec.source.cluster': 'pay' },
    'InvalidCluster',
    /^spec\.source\.cluster: the KafkaCluster pay has mistakes\. spec: must have exactly one of bootstrapServers, /,
    {
      clusters: [
        cluster('pay', {}),
        cluster('pay', {}, 'far'),
        cluster('far', {}),
        cluster('right', { bootstrapServers: 'a:1' }),
      ],
    },
  ],
  [
    { 'spec.source.cluster': 'pay' },
    'ClusterUnresolved',
    /^spec\.source\.cluster: the KafkaCluster pay cannot be used yet\. spec\.strimzi\.kafka: is not there\. Make it\.$/,
    {
      clusters: [
        cluster('right', { bootstrapServers: 'a:1' }),
        { ...cluster('pay', { strimzi: { kafka: 'a' } }), missing: notThere },
        cluster('pay', { strimzi: { kafka: 'b' } }, 'far'),
      ],
    },
  ],
  [
    Object.fromEntries(Array.from({ length: 13 }, (_, index) => [`spec.a${index}`, 1])),
    'InvalidSpec',
    /spec\.a9: [^:]* And 3 more\.$/,
  ],
];
for (const [changes, reason, message, context] of refused) {
  t.test(`${reason}: ${JSON.stringify(changes)}`, async (t) => {
    t.match(read(changes, context), { kind: 'wrong', reason, message });
  });
}

t.test('what the controller notes on a Trigger is no mistake, another annotation of ours is', async (t) => {
  const noted = (name: string) => read({ 'metadata.annotations': { [name]: 'x' } });
  t.match(noted('controller.millrace.dev/applied'), { kind: 'right' });
  t.match(noted('millrace.dev/topics'), { kind: 'wrong', reason: 'InvalidSpec' });
});

t.test('the mistakes of annotations are reported as they were noted', async (t) => {
  const noted = (text: string) => read({ 'metadata.annotations': { [mistakesAnnotation]: text } });
  const reason = 'InvalidAnnotations';
  t.strictSame(noted('["One.","Two."]'), { kind: 'wrong', reason, message: 'One. Two.' });
  t.strictSame(noted('by hand'), { kind: 'wrong', reason, message: 'by hand' });
  t.strictSame(noted('1'), { kind: 'wrong', reason, message: '1' });
  t.match(noted('[]'), { kind: 'right' });
});

const ref = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'mailer' };
function declareBy(annotations: Readonly<Record<string, string>>, more: object = {}): Resource {
  const named = Object.entries(annotations).map(([name, text]) => [`millrace.dev/${name}`, text]);
  const metadata = { name: 'mailer', namespace: 'geo', uid: 'u', annotations: Object.fromEntries(named) };
  return declareTrigger({ apiVersion: 'apps/v1', kind: 'Deployment', ...more, metadata });
}

t.test('annotations mean a Trigger, without defaults', async (t) => {
  t.strictSame(declareBy({ topics: 'a, b', retry: '3', 'dev-command': 'npm start' }), {
    apiVersion,
    kind: 'Trigger',
    metadata: { name: 'mailer', namespace: 'geo' },
    spec: { source: { topics: ['a', 'b'] }, function: { ref }, delivery: { retry: 3 } },
  });
  const metadata = { name: 'mailer', annotations: { 'millrace.dev/topics': 'a' } };
  t.strictSame(declareTrigger({ apiVersion: 'apps/v1', kind: 'Deployment', metadata }).metadata, {
    name: 'mailer',
  });
});

const nothing = { suspend: true, source: { topics: ['unknown'] } };
for (const [annotations, mistakes, spec] of [
  [
    { topics: 'a', retri: '3' },
    [/^metadata\.annotations\["millrace\.dev\/retri"\]: is not an annotation of Millrace\. Did you mean/],
    { source: { topics: ['a'] } },
  ],
  [{ topics: 'a,a, b!,c!,d' }, [/topics/], { source: { topics: ['a', 'd'] } }],
  [{ topics: '' }, [/1 to 256 topic names/], nothing],
  [{ topics: '!' }, [/topic name/], nothing],
  [{ topics: 'a', filter: '' }, [/filter/], { source: { topics: ['a'] }, filters: [] }],
  [{ topics: 'a', 'reply-topic': 'a' }, [/come back to it for ever/], { source: { topics: ['a'] } }],
  [
    { topics: 'a', 'min-replicas': '12', 'max-replicas': '11', port: 'x' },
    [/min-replicas/, /port/],
    { source: { topics: ['a'] }, scale: { maxReplicaCount: 11 } },
  ],
] as const) {
  t.test(`of ${JSON.stringify(annotations)} what is right is declared`, async (t) => {
    const trigger = declareBy(annotations);
    const noted = JSON.parse(String(trigger.metadata.annotations?.[mistakesAnnotation])) as string[];
    t.match(noted, [...mistakes]);
    t.equal(noted.length, mistakes.length);
    t.strictSame(trigger.spec, { ...spec, function: { ref } });
    t.match(read({ 'metadata.annotations': trigger.metadata.annotations }), { reason: 'InvalidAnnotations' });
  });
}

t.test('annotations on the pods are mistakes, a name that is none leaves nothing to read', async (t) => {
  const pods = { spec: { template: { metadata: { annotations: { 'millrace.dev/retry': '3' } } } } };
  t.match(declareBy({ topics: 'a' }, pods).metadata.annotations, {
    [mistakesAnnotation]: /in the pod template/,
  });
  const metadata = { name: 'A', annotations: { 'millrace.dev/topics': 'a' } };
  t.match(declareTrigger({ apiVersion: 'apps/v1', kind: 'Deployment', metadata }).spec, nothing);
});

t.test('what a trigger was accepted with is read from its status, as far as it can be used', async (t) => {
  const context = { checkExpression, functionUris: 'guarded' } as const;
  const accepted = (spec: unknown, cluster?: unknown, annotations = {}) => {
    const { metadata, ...rest } = stored({ 'spec.source.topics': 'wrong' });
    const status = { accepted: { generation: 1, spec, cluster } };
    return readAccepted({ ...rest, metadata: { ...metadata, annotations }, status }, context);
  };
  const spec = (cluster?: string) =>
    (triggerWith(cluster === undefined ? {} : { 'spec.source.cluster': cluster }) as Resource).spec;
  t.match(accepted(spec()), { key: 'geo/mailer', source: { topics: ['orders'], access: undefined } });
  t.match(accepted(spec('pay'), { bootstrapServers: 'a:1' }), {
    source: { access: { brokers: ['a:1'], namespace: 'geo' } },
  });
  t.match(accepted(spec('far/pay'), { bootstrapServers: 'a:1' })?.source.access, { namespace: 'far' });
  t.match(accepted(spec(), undefined, { [mistakesAnnotation]: '["a mistake of today"]' }), {
    name: 'mailer',
  });
  t.equal(accepted(spec('pay'), { bootstrapServers: 7 }), undefined);
  t.equal(accepted({}), undefined);
  t.equal(readAccepted(stored(), context), undefined);
  const { annotations: _none, ...bare } = stored().metadata;
  t.ok(readAccepted({ ...stored(), metadata: bare, status: { accepted: { spec: spec() } } }, context));
});
