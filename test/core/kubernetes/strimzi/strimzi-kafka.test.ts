import t from 'tap';
import type { Resource } from '../../../../core/contract/kubernetes-client.ts';
import { formatProblem } from '../../../../core/contract/manifest-problem.ts';
import { pathText } from '../../../../core/contract/path.ts';
import { resolveStrimzi, type StrimziLookup } from '../../../../core/kubernetes/strimzi/strimzi-kafka.ts';
import { kafka, kafkaUser, listeners, users } from '../../../fixtures/kubernetes/strimzi-resources.ts';

const all: StrimziLookup = { kind: 'read', kafkas: [kafka()], users: Object.values(users) };

function resolve(wanted: object, lookup: StrimziLookup = all, namespace = 'geo') {
  return resolveStrimzi({ kafka: 'my-cluster', ...wanted }, namespace, lookup);
}

function mistakeOf(...given: Parameters<typeof resolve>): string {
  const resolution = resolve(...given);
  if (resolution.kind === 'found') return 'nothing';
  const { code, at, message, remedy } = resolution.mistake;
  return formatProblem({ code, path: pathText(at), message, remedy });
}

const ca = { secretName: 'my-cluster-cluster-ca-cert', key: 'ca.crt' };
const host = 'my-cluster-kafka-bootstrap.geo.svc';

for (const [wanted, spec] of [
  [{}, { bootstrapServers: `${host}:9092` }],
  [
    { user: 'orders' },
    {
      bootstrapServers: `${host}:9093`,
      tls: { ca },
      authentication: {
        type: 'scram-sha-512',
        username: 'orders',
        password: { secretName: 'orders', key: 'password' },
      },
    },
  ],
  [
    { user: 'audit' },
    {
      bootstrapServers: `${host}:9094`,
      tls: { ca },
      authentication: {
        type: 'tls',
        certificate: { secretName: 'prefix-audit', key: 'user.crt' },
        key: { secretName: 'prefix-audit', key: 'user.key' },
      },
    },
  ],
] as const) {
  t.test(`access for ${JSON.stringify(wanted)}`, async (t) => {
    t.strictSame(resolve(wanted), { kind: 'found', spec });
  });
}

const withUser = (...more: Resource[]): StrimziLookup => ({ ...all, users: more });
const broken = { type: 'NotReady', status: 'True', reason: 'Timeout', message: 'no pod is ready' };

t.test('a Kafka that is not Ready, but has an address, is used: it may be restarting', async (t) => {
  const rolled = kafka();
  const status = { ...(rolled.status as object), conditions: [broken] };
  t.match(resolve({}, { ...all, kafkas: [{ ...rolled, status }] }), { kind: 'found' });
});

t.test('without a username in the status, the name of the resource counts', async (t) => {
  const user = kafkaUser('orders', 'scram-sha-512', { secret: 'orders' });
  t.match(resolve({ user: 'orders' }, withUser(user)), {
    spec: { authentication: { username: 'orders' } },
  });
});

const bare = { ...kafka(), status: undefined };
for (const [what, given, expected] of [
  [
    'no Strimzi',
    [{}, { kind: 'absent' }],
    /^spec\.strimzi: needs Strimzi, .* does not serve kafka\.strimzi\.io\. Install it, or: Write boot/,
  ],
  [
    'no right to read',
    [{}, { kind: 'unread', why: 'no right' }],
    /^spec\.strimzi: cannot be looked up: no right\. .* strimzi\.enabled=true .* by itself\.$/,
  ],
  [
    'no Kafka',
    [{ kafka: 'other' }],
    'spec.strimzi.kafka: names no Kafka of namespace geo, is "other". Create it there. Millrace continues by itself.',
  ],
  [
    'a Kafka of nearly that name',
    [{ kafka: 'mycluster' }],
    /is "mycluster"\. Did you mean `kafka: my-cluster`\?$/,
  ],
  [
    'a Kafka of another namespace',
    [{}, all, 'shop'],
    /^spec\.strimzi\.kafka: names no Kafka of namespace shop/,
  ],
  [
    'no user',
    [{ user: 'order' }],
    /^spec\.strimzi\.user: names no KafkaUser .* Did you mean `user: orders`\?$/,
  ],
  [
    'a user of another Kafka',
    [{ user: 'orders' }, withUser({ ...users.orders, metadata: { name: 'orders', namespace: 'geo' } })],
    /^spec\.strimzi\.user: names a KafkaUser whose label strimzi\.io\/cluster is empty, .* one of the Kafka my-cluster\.$/,
  ],
  [
    'a user without authentication',
    [{ user: 'acl' }, withUser(kafkaUser('acl', undefined, { username: 'acl' }))],
    /^spec\.strimzi\.user: names a KafkaUser without spec\.authentication, .* or leave user out\.$/,
  ],
  [
    'a user whose certificate Strimzi does not have',
    [{ user: 'own' }, withUser(kafkaUser('own', 'tls-external', { username: 'CN=own' }))],
    /^spec\.strimzi\.user: names a KafkaUser of type "tls-external", for which Strimzi makes no Secret\. Write boot/,
  ],
  [
    'a user without a Secret yet',
    [{ user: 'orders' }, withUser(kafkaUser('orders', 'scram-sha-512', undefined))],
    /^spec\.strimzi\.user: names a KafkaUser that has no Secret yet\. See `kubectl describe kafkauser orders --namespace geo`\. Millrace continues/,
  ],
  [
    'a user that the operator cannot create',
    [{ user: 'audit' }, withUser(kafkaUser('audit', 'tls', { conditions: [broken] }))],
    /has no Secret yet: no pod is ready\. See/,
  ],
  ['no such listener', [{ listener: 'x' }], /^spec\.strimzi\.listener: names no listener/],
  [
    'a Kafka that is not ready yet',
    [{}, { ...all, kafkas: [{ ...bare, metadata: { name: 'my-cluster', namespace: 'geo' } }] }],
    /^spec\.strimzi\.kafka: names a Kafka without an address of its listener plain yet\. See `kubectl describe kafka my-cluster/,
  ],
  [
    'a Kafka that fails to start',
    [
      { listener: 'plain' },
      {
        ...all,
        kafkas: [
          {
            ...bare,
            status: {
              conditions: [{ type: 'Ready', status: 'False', reason: 'Creating' }, { status: 'False' }],
            },
          },
        ],
      },
    ],
    /listener plain yet: Creating\. See/,
  ],
] as [string, Parameters<typeof resolve>, string | RegExp][]) {
  t.test(`what is missing: ${what}`, async (t) => {
    const said = mistakeOf(...given);
    if (typeof expected === 'string') t.equal(said, expected);
    else t.match(said, expected);
  });
}

t.test('a Kafka without listeners', async (t) => {
  t.match(
    mistakeOf({}, { ...all, kafkas: [kafka('my-cluster', [])] }),
    /^spec\.strimzi: has no internal listener/,
  );
  t.match(mistakeOf({}, { ...all, kafkas: [{ ...bare, spec: undefined }] }), /has none/);
  t.ok(listeners.length > 0);
});

t.test('what Strimzi says is no larger than a KafkaCluster may be', async (t) => {
  const user = kafkaUser('orders', 'scram-sha-512', { secret: 'orders', username: 'x'.repeat(21_000) });
  t.match(
    mistakeOf({ user: 'orders' }, withUser(user)),
    /names a Kafka whose addresses and user must hold at most 20 KiB/,
  );
});
