// The CustomResourceDefinitions in a real API server: what they accept, and with which messages they refuse the rest.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { renderCrds } from '../../.build/crds.ts';
import { triggerWith } from '../core/resources/minimal-trigger.ts';
import { createNamespace, useApiServer } from '../fixtures/kubernetes/kubernetes.ts';

t.setTimeout(180_000);
const server = await useApiServer(t);
const names = ['triggers.millrace.dev', 'kafkaclusters.millrace.dev'];
for (const text of renderCrds().values()) await server.kubectl(['apply', '--server-side', '-f', '-'], text);
await server.kubectl(['wait', '--for=condition=Established', ...names.map((name) => `crd/${name}`)]);
const namespace = await createNamespace(t, server);
const here = ['-n', namespace];

/** Why the API server refuses `resource`; undefined if it accepts it. A dry run unless `dry` is empty. */
async function refusal(resource: unknown, dry = ['--dry-run=server']): Promise<string | undefined> {
  const args = ['apply', '--server-side', '--force-conflicts', ...dry, ...here, '-f', '-'];
  return server.kubectl(args, JSON.stringify(resource)).then(
    () => undefined,
    (error: unknown) => String(error),
  );
}

for (const name of names) {
  t.test(`${name} is structural and established`, async (t) => {
    const path = 'jsonpath={range .status.conditions[*]}{.type}={.status} {end}';
    const conditions = await server.kubectl(['get', 'crd', name, '-o', path]);
    t.match(conditions, /Established=True/);
    t.notMatch(conditions, /NonStructuralSchema|Terminating|KubernetesAPIApprovalPolicyConformant=False/);
  });
}

t.test('the API server accepts the triggers of the examples', async (t) => {
  for (const name of ['quake-alerts', 'quake-map']) {
    const text = readFileSync(
      new URL(`../../functions-examples/${name}/trigger.yaml`, import.meta.url),
      'utf8',
    );
    const documents = parseAllDocuments(text).map(
      (document) => document.toJS() as { kind: string; metadata: object },
    );
    for (const one of documents.filter(({ kind }) => kind === 'Trigger'))
      t.equal(await refusal({ ...one, metadata: { ...one.metadata, namespace } }), undefined, name);
  }
});

const filter = { exact: { type: 'a' } };
const value = { secretName: 'mailer' };
const accountToken = { type: 'service-account', serviceAccountName: 'caller', audience: 'mailer' };
const oauthToken = {
  type: 'oauthbearer',
  tokenEndpoint: 'https://sso.example.com/token',
  clientId: 'mailer',
  clientSecret: value,
};
for (const changes of [
  {},
  { 'spec.source': { topicPattern: 'orders-.*' } },
  { 'spec.source.topics': Array.from({ length: 100 }, (_, index) => `t${index}`) },
  { 'spec.source.initialOffset': '2026-01-31T12:00:00.5+01:00' },
  { 'spec.function': { uri: 'https://example.com:8443/path?a=b@c' } },
  { 'spec.function.tls': {}, 'spec.function.authentication': accountToken },
  { 'spec.function.tls': { certificate: value, key: value, keyPassword: value, serverName: 'a.geo.svc' } },
  { 'spec.function': { uri: 'HTTPS://a/', tls: { ca: value }, authentication: oauthToken } },
  { 'spec.function.concurrency': 3 },
  { 'spec.function.concurrency': 'adaptive', 'spec.function.adaptiveConcurrency': { min: 2 } },
  { 'spec.function.contentMode': 'batched', 'spec.function.batch': { maxBytes: 1000 } },
  { 'spec.function.contentMode': 'batched', 'spec.function.batch': { maxBytes: '1Mi', maxWait: 'PT0S' } },
  { 'spec.delivery': { ordering: 'key', maxParkedKeys: 5, maxAge: 'P1DT2H', retry: -1 } },
  { 'spec.delivery.deadLetter': { topic: 'orders.dead' }, 'spec.reply': { topic: 'notices' } },
  { 'spec.scale': { minReplicaCount: 10, targetDrainTime: 'PT20S' } },
  { 'spec.transform': [] },
  { 'spec.filters': [{ any: [{ not: { all: [{ any: [{ not: filter }] }] } }] }, { cel: 'data.a > 1' }] },
]) {
  t.test(`the API server accepts ${JSON.stringify(changes).slice(0, 80)}`, async (t) => {
    t.equal(await refusal(triggerWith(changes)), undefined);
  });
}

for (const [changes, message] of [
  [{ 'spec.source': {} }, /spec\.source: .*must have exactly one of topics, topicPattern/],
  [{ 'spec.source.topicPattern': 'a' }, /must have exactly one of topics, topicPattern/],
  [{ 'spec.source.topics': [] }, /spec\.source\.topics/],
  [{ 'spec.source.topics': ['a', 'a'] }, /\.spec\.source\.topics: duplicate entries/],
  [{ 'spec.source.topics': ['a b'] }, /spec\.source\.topics\[0\]: .*must be a topic name \(.*\), is "a b"/],
  [{ 'spec.source.initialOffset': 'oldest' }, /must be earliest, latest or an RFC 3339 time .*, is "oldest"/],
  [{ 'spec.function': {} }, /must have exactly one of ref, service, uri/],
  [{ 'spec.function.uri': 'http://a/' }, /must have exactly one of ref, service, uri/],
  [{ 'spec.function': { uri: 'http://a/', port: 80 } }, /port has no meaning with uri/],
  [{ 'spec.function': { uri: 'http://a/', path: '/' } }, /path has no meaning with uri/],
  [
    { 'spec.function': { uri: 'ftp://a/' } },
    /must be an http or https URL of at most 2048 characters without user/,
  ],
  [{ 'spec.function': { uri: 'http://a/', tls: {} } }, /tls requires https/],
  [{ 'spec.function': { uri: 'http://a/', authentication: accountToken } }, /authentication requires https/],
  [{ 'spec.function.tls': { certificate: value } }, /certificate requires key\. Write key/],
  [{ 'spec.function.tls': { keyPassword: value } }, /keyPassword requires key\. Write key/],
  [{ 'spec.function.authentication': { type: 'basic' } }, /spec\.function\.authentication\.type/],
  [
    { 'spec.function.authentication': { type: 'service-account', audience: 'a' } },
    /type service-account requires serviceAccountName and audience/,
  ],
  [
    { 'spec.function.authentication': { ...accountToken, scope: 'a' } },
    /scope belongs to type oauthbearer only/,
  ],
  [
    { 'spec.function.authentication': { ...oauthToken, clientSecret: undefined } },
    /exactly one of clientSecret, clientAssertion/,
  ],
  [{ 'spec.function.batch': {} }, /spec\.function\.batch: .*has no meaning without contentMode: batched/],
  [{ 'spec.function.adaptiveConcurrency': {} }, /has no meaning without concurrency: adaptive/],
  [
    { 'spec.function.concurrency': 'adaptive', 'spec.function.adaptiveConcurrency': { min: 101 } },
    /min \(by default 1\) must not be above max/,
  ],
  [{ 'spec.function.concurrency': 'many' }, /spec\.function\.concurrency/],
  [{ 'spec.function.concurrency': 0 }, /spec\.function\.concurrency/],
  [{ 'spec.function.port': 65_536 }, /spec\.function\.port/],
  [{ 'spec.delivery.maxParkedKeys': 5 }, /maxParkedKeys has no meaning without ordering: key/],
  [{ 'spec.delivery.ordering': 'topic' }, /supported values: "partition", "key", "none"/],
  [
    { 'spec.delivery.timeout': '30s' },
    /spec\.delivery\.timeout: .*must be an ISO 8601 duration .*, is "30s"/,
  ],
  [{ 'spec.delivery.deadLetter': { topic: 'orders' } }, /its dead letters would come back to it for ever/],
  [{ 'spec.reply': { topic: 'orders' } }, /its replies would come back to it for ever/],
  [{ 'spec.scale': { minReplicaCount: 11 } }, /must not be above maxReplicaCount/],
  [{ 'spec.scale': { minReplicaCount: 3, maxReplicaCount: 2 } }, /must not be above maxReplicaCount/],
  [{ 'spec.transform': [{ cel: 'a' }] }, /spec\.transform/],
  [{ 'spec.filters': [{}] }, /spec\.filters\[0\]/],
  [{ 'spec.filters': [{ ...filter, cel: 'a' }] }, /spec\.filters\[0\]/],
  [{ 'spec.filters': [{ any: [{ not: { ...filter, cel: 'a' } }] }] }, /spec\.filters\[0\]\.any\[0\]\.not/],
  [{ 'spec.retry': 3 }, /spec\.retry: field not declared in schema/],
] as const) {
  t.test(`the API server refuses ${JSON.stringify(changes)}`, async (t) => {
    t.match(await refusal(triggerWith(changes)), message);
  });
}

t.test('the consumer group is immutable, and the API server fills in no defaults', async (t) => {
  const named = (group: string | undefined) => triggerWith({ 'spec.source.consumerGroup': group });
  t.equal(await refusal(named('mine'), []), undefined);
  t.match(await refusal(named('other')), /consumerGroup is immutable/);
  t.match(await refusal(named(undefined)), /consumerGroup is immutable/);
  t.equal(
    await refusal(triggerWith({ 'spec.source.consumerGroup': 'mine', 'spec.suspend': true })),
    undefined,
  );
  const spec = await server.kubectl(['get', 'mtr', 'mailer', ...here, '-o', 'jsonpath={.spec}']);
  t.strictSame(JSON.parse(spec), {
    source: { topics: ['orders'], consumerGroup: 'mine' },
    function: { ref: { name: 'mailer' } },
  });
});

t.test('kubectl get and explain show the printed columns and descriptions', async (t) => {
  const ready = {
    type: 'Ready',
    status: 'False',
    reason: 'TopicMissing',
    message: 'm',
    lastTransitionTime: '2026-01-31T12:00:00Z',
  };
  const found = {
    conditions: [ready],
    topics: 'orders',
    function: 'deployment/mailer',
    backlog: '10-99',
    replicas: 2,
  };
  const patch = JSON.stringify({ status: found });
  await server.kubectl([
    'patch',
    'mtr',
    'mailer',
    ...here,
    '--subresource=status',
    '--type=merge',
    '-p',
    patch,
  ]);
  const [head, row] = (await server.kubectl(['get', 'millrace', ...here])).split('\n');
  t.match(head, /^NAME +READY +REASON +TOPICS +FUNCTION +BACKLOG +REPLICAS +AGE/);
  t.match(row, /mailer +False +TopicMissing +orders +deployment\/mailer +10-99 +2 /);
  const explained = await server.kubectl(['explain', 'trigger.spec.delivery']);
  t.match(
    explained.replaceAll(/\s+/g, ' '),
    'The most attempts after the first. -1: no limit. Must be a whole number of at least -1. Default: 10.',
  );
});

const token = { type: 'oauthbearer', tokenEndpoint: 'https://sso.example.com/token' };
const secret = { secretName: 'orders' };
for (const [authentication, message] of [
  [{ type: 'scram-sha-512', username: 'orders', password: secret }, undefined],
  [{ type: 'tls', certificate: secret, key: { ...secret, key: 'user.key' } }, undefined],
  [{ ...token, clientId: 'orders', clientSecret: secret, extensions: { a: 'b' } }, undefined],
  [{ ...token, clientAssertion: { serviceAccountName: 'kafka', audience: 'sso' } }, undefined],
  [{ type: 'kerberos' }, /authentication\.type: Unsupported value: "kerberos"/],
  [{ type: 'plain', username: 'orders' }, /type plain requires username and password/],
  [{ type: 'plain', username: 'a', password: secret, scope: 's' }, /scope belongs to type oauthbearer only/],
  [{ ...token, clientId: 'orders' }, /exactly one of clientSecret, clientAssertion/],
  [{ ...token, clientSecret: secret }, /clientSecret requires clientId/],
  [{ ...token, tokenEndpoint: 'http://sso', clientId: 'a', clientSecret: secret }, /must be an https URL/],
] as const) {
  t.test(`a KafkaCluster with ${JSON.stringify(authentication).slice(0, 70)}`, async (t) => {
    const [apiVersion, kind] = ['millrace.dev/v1alpha1', 'KafkaCluster'];
    const spec = { bootstrapServers: 'kafka:9093', tls: {}, authentication };
    const said = await refusal({ apiVersion, kind, metadata: { name: 'main' }, spec });
    if (message === undefined) t.equal(said, undefined);
    else t.match(said, message);
    if (authentication.type !== 'tls') return;
    const plain = { bootstrapServers: 'kafka:9092', authentication };
    t.match(await refusal({ apiVersion, kind, metadata: { name: 'main' }, spec: plain }), /requires tls/);
  });
}

for (const [spec, message] of [
  [{ strimzi: { kafka: 'my-cluster', user: 'orders' } }, undefined],
  [{}, /exactly one of bootstrapServers, strimzi/],
  [{ bootstrapServers: 'kafka:9092', strimzi: { kafka: 'a' } }, /exactly one of bootstrapServers, strimzi/],
  [{ strimzi: { kafka: 'a' }, tls: {} }, /tls belongs to bootstrapServers only/],
  [{ binding: { secretName: 'kafka-binding' } }, undefined],
  [
    { binding: { secretName: 'a' }, strimzi: { kafka: 'a' } },
    /exactly one of bootstrapServers, strimzi, binding/,
  ],
  [{ strimzi: { user: 'a' } }, /spec\.strimzi\.kafka: Required value/],
] as const) {
  t.test(`a KafkaCluster with ${JSON.stringify(spec)}`, async (t) => {
    const [apiVersion, kind] = ['millrace.dev/v1alpha1', 'KafkaCluster'];
    const said = await refusal({ apiVersion, kind, metadata: { name: 'main' }, spec });
    if (message === undefined) t.equal(said, undefined);
    else t.match(said, message);
  });
}

for (const [servers, isRight] of [
  ['kafka:9092, [::1]:9092', true],
  ['kafka', false],
  ['http://kafka:9092', false],
] as const) {
  t.test(`the bootstrapServers ${servers} are ${isRight ? 'accepted' : 'refused'}`, async (t) => {
    const [apiVersion, kind] = ['millrace.dev/v1alpha1', 'KafkaCluster'];
    const cluster = { apiVersion, kind, metadata: { name: 'main' }, spec: { bootstrapServers: servers } };
    const said = await refusal(cluster);
    if (isRight) t.equal(said, undefined);
    else t.match(said, /spec\.bootstrapServers/);
  });
}
