// What the chart makes for Strimzi's operators: users with exactly the rights of their triggers, and topics, which stay.
import t, { type Test } from 'tap';
import {
  chartDir,
  find,
  helm,
  kubeVersion,
  render,
  required,
  template,
  type Loose,
} from './fixtures/helm.ts';

/** `Read topic orders`, or `Read topic orders*` for a prefix. */
async function rightsOf(user: string): Promise<string[]> {
  const { spec } = find(await render('strimzi'), 'KafkaUser', user);
  t.equal(spec.authorization.type, 'simple');
  return spec.authorization.acls.map(({ operations, resource, ...others }: Loose) => {
    t.strictSame(others, {}, 'allowed, from any host');
    return `${operations} ${resource.type} ${resource.name}${resource.patternType === 'prefix' ? '*' : ''}`;
  });
}

t.test('a user has the rights that its triggers need, each once', async (t) => {
  t.strictSame(await rightsOf('orders'), [
    'Read topic orders',
    'Read group millrace.shop.mailer',
    'Write topic orders.dead',
    'Read topic payments',
    'Read group millrace.shop.biller',
    'Write topic bills',
    'Write transactionalId millrace:millrace.shop.biller:*',
  ]);
});

t.test(
  'an entry without a name covers all triggers of its namespace, and none of a namespace with the same prefix',
  async (t) => {
    t.strictSame(await rightsOf('quakes'), [
      'Read topic quakes.*',
      'Read group millrace.geo.*',
      'Write topic alerts',
      'Write transactionalId millrace:millrace.geo.*',
      'Read topic tides',
      'Write topic geo.dead',
    ]);
  },
);

t.test('consumerGroup replaces the default group', async (t) => {
  t.strictSame(await rightsOf('audit'), [
    'Read topic Audit_Log',
    'Read group audit readers',
    'Write topic seen',
    'Write transactionalId millrace:audit readers:*',
  ]);
});

t.test('users and topics are in the namespace of their Kafka and carry its label', async (t) => {
  const manifests = await render('strimzi');
  const made = manifests.filter(({ apiVersion }) => apiVersion === 'kafka.strimzi.io/v1');
  t.strictSame(
    made.map(({ kind, metadata }) => [
      `${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
      metadata.labels?.['strimzi.io/cluster'],
      metadata.annotations?.['helm.sh/resource-policy'],
    ]),
    [
      ['KafkaTopic kafka/orders.dead', 'my-cluster', 'keep'],
      ['KafkaTopic kafka/geo-dead', 'my-cluster', 'keep'],
      ['KafkaUser kafka/orders', 'my-cluster', undefined],
      ['KafkaUser kafka/quakes', 'my-cluster', undefined],
      ['KafkaUser audit/audit', 'archive', undefined],
    ],
  );
  const authentication = (name: string) => find(manifests, 'KafkaUser', name).spec.authentication;
  t.strictSame(authentication('orders'), { type: 'scram-sha-512' });
  t.strictSame(authentication('quakes'), { type: 'tls' });
});

t.test('the configuration of a topic has the form that Kafka reads', async (t) => {
  const manifests = await render('strimzi');
  t.strictSame(find(manifests, 'KafkaTopic', 'orders.dead').spec, {
    partitions: 3,
    replicas: 3,
    config: {
      'retention.ms': '2592000000',
      'compression.type': 'zstd',
      'min.cleanable.dirty.ratio': '0.5',
    },
  });
  t.strictSame(find(manifests, 'KafkaTopic', 'geo-dead').spec, { topicName: 'geo.dead' });
});

t.test('gateway and scaler may read Kafkas and KafkaUsers only with strimzi.enabled', async (t) => {
  const readers = async (name: string): Promise<unknown[]> => {
    const roles = (await render(name)).filter(({ kind }) => kind.endsWith('Role'));
    return roles.flatMap(({ metadata, rules }) =>
      rules
        .filter(({ apiGroups }: Loose) => apiGroups.includes('kafka.strimzi.io'))
        .map(({ resources, verbs }: Loose) => [metadata.name, resources, verbs]),
    );
  };
  const what = [
    ['kafkas', 'kafkausers'],
    ['get', 'list', 'watch'],
  ];
  const found = await readers('secured');
  t.strictSame(
    found.map((reader) => (reader as unknown[]).slice(1)),
    [what, what],
  );
  t.strictSame(await readers('default'), []);
});

t.test('gateway and scaler may read the Secrets of these users and of their Kafka', async (t) => {
  const grants = async (...args: string[]): Promise<unknown[]> =>
    (await render('strimzi', ...args))
      .filter(({ kind, metadata }) => kind === 'Role' && metadata.name.endsWith('-strimzi'))
      .map(({ metadata, rules }) => [
        metadata.namespace,
        rules.map(({ resourceNames, verbs }: Loose) => [resourceNames, verbs]),
      ]);
  const each = [
    ['audit', [[['audit', 'archive-cluster-ca-cert'], ['get']]]],
    ['kafka', [[['orders', 'my-cluster-cluster-ca-cert', 'quakes'], ['get']]]],
  ];
  t.strictSame(await grants(), [...each, ...each]);
  t.strictSame(await grants('--set', 'strimzi.enabled=false'), [], 'not without strimzi.enabled');
});

const user = 'strimzi.users[0]';
const trigger = `${user}.triggers[0]`;

/** Arguments for a user whose trigger reads a topic, and for `more`. */
function set(...more: string[]): string[] {
  const own = [
    `${user}.name=a`,
    `${user}.namespace=kafka`,
    `${user}.cluster=b`,
    `${trigger}.topics={orders}`,
  ];
  return [...own, ...more].flatMap((one) => ['--set', one]);
}

async function checkRefused(t: Test, args: readonly string[], complaint: RegExp): Promise<void> {
  const { code, stderr } = await template(...required, ...args);
  t.not(code, 0, args.at(-1) ?? '');
  t.match(stderr, complaint);
}

t.test('the chart refuses contradictory users and says what to do', async (t) => {
  const refused: [changes: string[], complaint: RegExp][] = [
    [[`${user}.authentication=plain`], /must be one of 'scram-sha-512', 'tls'/],
    [[`${user}.triggers=null`], /at '\/strimzi\/users\/0\/triggers': got null, want array/],
    [
      [`${trigger}.consumerGroup=*`],
      /at '\/strimzi\/users\/0\/triggers\/0\/consumerGroup': '\*' does not match/,
    ],
    [[`${trigger}.topics={*}`], /'\*' does not match pattern/],
    [[`${trigger}.deadletterTopic=x`], /additional properties 'deadletterTopic' not allowed/],
    [[`${user}.triggers[1].name=mailer`], /a trigger of a needs either topics or topicPrefix, and not both/],
    [[`${trigger}.topicPrefix=o`], /a trigger of a needs either topics or topicPrefix, and not both/],
    [[`${trigger}.transactional=true`], /a trigger of a is transactional, .*\. Set its replyTopic/],
    [[`${trigger}.deadLetterTopic=orders`], /reads its own deadLetterTopic, orders\. Choose another one/],
    [
      ['strimzi.enabled=true', 'watchNamespaces={shop}'],
      /a is in the namespace kafka, .*\. Add the namespace to watchNamespaces/,
    ],
    [['commonLabels.strimzi\\.io/cluster=x'], /invalid propertyName 'strimzi\.io\/cluster'/],
    [
      ['name=a', 'namespace=kafka', 'cluster=b', 'triggers[0].topics={x}'].map(
        (one) => `strimzi.users[1].${one}`,
      ),
      /strimzi\.users lists kafka\/a twice\. Remove one of them/,
    ],
  ];
  for (const [changes, complaint] of refused) await checkRefused(t, set(...changes), complaint);
  t.equal(
    (await template(...required, ...set())).code,
    0,
    'the chart accepts the user without these changes',
  );
});

t.test('the chart reports a cluster without Strimzi before it installs anything', async (t) => {
  const args = ['template', 'millrace', chartDir, '--kube-version', kubeVersion, '--set', 'keda.check=false'];
  const { code, stderr } = await helm(...args, ...required, ...set());
  t.not(code, 0);
  t.match(stderr, /need Strimzi, and this cluster has no Strimzi .*--api-versions kafka\.strimzi\.io\/v1/);
  t.equal(
    (await helm(...args, ...required)).code,
    0,
    'without users and topics the chart does not need Strimzi',
  );
});
