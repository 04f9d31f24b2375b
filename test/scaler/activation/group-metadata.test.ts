// The cases that KEDA's own tests of its Kafka scaler know (kafka_scaler_test.go, KEDA 2.21), in our words; then ours.
import t from 'tap';
import {
  isGroupMetadata,
  parseGroupMetadata,
  type GroupScale,
} from '../../../scaler/activation/group-metadata.ts';

const named = { bootstrapServers: 'foobar:9092', consumerGroup: 'my-group' };
const whole = { ...named, topic: 'my-topic' };
const parse = (metadata: Record<string, string>) => parseGroupMetadata(metadata, 'ScaledObject shop/mailer');

t.test('what is not said has the defaults of KEDA', async (t) => {
  t.strictSame(parse(named), {
    bootstrapServers: ['foobar:9092'],
    consumerGroup: 'my-group',
    topics: [],
    partitions: undefined,
    lagThreshold: 10,
    activationLagThreshold: 0,
    offsetResetPolicy: 'latest',
    allowIdleConsumers: false,
    excludePersistentLag: false,
    scaleToZeroOnInvalidOffset: false,
    limitToPartitionsWithLag: false,
    ensureEvenDistributionOfPartitions: false,
  });
});

const right: [what: string, metadata: Record<string, string>, expected: Partial<GroupScale>][] = [
  ['no bootstrapServers: our own cluster', { consumerGroup: 'g' }, { bootstrapServers: [] }],
  [
    'several brokers',
    { ...named, bootstrapServers: 'foo:9092, bar:9092' },
    { bootstrapServers: ['foo:9092', 'bar:9092'] },
  ],
  ['a topic', whole, { topics: ['my-topic'] }],
  ['several topics, as in apache-kafka', { ...named, topic: 'a, b,a' }, { topics: ['a', 'b'] }],
  [
    'partitions of no topic in particular',
    { ...named, partitionLimitation: '1,2,3' },
    { partitions: undefined },
  ],
  ['a limitation of blanks', { ...whole, partitionLimitation: '      ' }, { partitions: undefined }],
  ['an empty limitation', { ...whole, partitionLimitation: '' }, { partitions: undefined }],
  [
    'a list',
    { ...whole, partitionLimitation: ' 1 , 2' },
    {
      partitions: [
        { from: 1, to: 1 },
        { from: 2, to: 2 },
      ],
    },
  ],
  ['a range', { ...whole, partitionLimitation: '1-4' }, { partitions: [{ from: 1, to: 4 }] }],
  [
    'a range of one, with blanks',
    { ...whole, partitionLimitation: ' 3 - 3 ' },
    { partitions: [{ from: 3, to: 3 }] },
  ],
  [
    'lists and ranges',
    { ...whole, partitionLimitation: '1-4,8,10-12' },
    {
      partitions: [
        { from: 1, to: 4 },
        { from: 8, to: 8 },
        { from: 10, to: 12 },
      ],
    },
  ],
  ['a large threshold', { ...whole, lagThreshold: '1000000' }, { lagThreshold: 1_000_000 }],
  [
    'blanks around a number',
    { ...whole, lagThreshold: ' 7\n', activationLagThreshold: '3' },
    { lagThreshold: 7, activationLagThreshold: 3 },
  ],
  ['earliest', { ...whole, offsetResetPolicy: 'earliest' }, { offsetResetPolicy: 'earliest' }],
  [
    'idle consumers',
    { ...whole, allowIdleConsumers: 'true', version: '1.0.0' },
    { allowIdleConsumers: true },
  ],
  ['persistent lag', { ...whole, excludePersistentLag: 'true' }, { excludePersistentLag: true }],
  [
    'a flag as Go reads it',
    { ...whole, scaleToZeroOnInvalidOffset: 'T' },
    { scaleToZeroOnInvalidOffset: true },
  ],
  ['partitions with lag', { ...whole, limitToPartitionsWithLag: '1' }, { limitToPartitionsWithLag: true }],
  [
    'idle consumers, and no limit to partitions with lag',
    { ...whole, allowIdleConsumers: 'true', limitToPartitionsWithLag: 'false' },
    { allowIdleConsumers: true, limitToPartitionsWithLag: false },
  ],
  [
    'even',
    { ...whole, ensureEvenDistributionOfPartitions: 'true' },
    { ensureEvenDistributionOfPartitions: true },
  ],
  ['all metadata', { ...named, fullMetadata: 'true' }, {}],
  ['metadata of a topic alone', { ...whole, fullMetadata: 'false' }, {}],
  [
    "KEDA's own connection",
    { ...whole, tls: 'enable', sasl: 'plaintext', awsRegion: 'eu-west-1', unsafeSsl: 'x' },
    {},
  ],
  ["somebody else's names", { ...whole, team: 'mail', username: 'admin' }, {}],
  [
    'from the environment, resolved by KEDA',
    { consumerGroupFromEnv: 'my-group', topicFromEnv: 'my-topic', bootstrapServersFromEnv: 'foobar:9092' },
    { consumerGroup: 'my-group', topics: ['my-topic'], bootstrapServers: ['foobar:9092'] },
  ],
  [
    'said twice: the text goes before the environment',
    { ...whole, topicFromEnv: 'other' },
    { topics: ['my-topic'] },
  ],
];
for (const [what, metadata, expected] of right)
  t.test(what, async (t) => {
    t.match(parse(metadata), expected);
    t.equal(isGroupMetadata(metadata), true);
  });

const wrong: [what: string, metadata: Record<string, string>, message: RegExp][] = [
  ['no group', { bootstrapServers: 'foobar:9092' }, /consumerGroup is missing: name the group, or a trigger/],
  [
    'a negative threshold',
    { ...whole, lagThreshold: '-1' },
    /lagThreshold is '-1': write a whole number of at least 1/,
  ],
  ['a threshold of 0', { ...whole, lagThreshold: '0' }, /lagThreshold is '0'/],
  ['a threshold beyond what is safe', { ...whole, lagThreshold: '9007199254740993' }, /lagThreshold is/],
  [
    'an activation threshold that is none',
    { ...whole, activationLagThreshold: 'AA' },
    /'AA': write a whole number of at least 0/,
  ],
  [
    'partitions that are none',
    { ...whole, partitionLimitation: 'a,b' },
    /has 'a': .*; partitionLimitation has 'b'/,
  ],
  ['a range of three', { ...whole, partitionLimitation: '1-2-3' }, /has '1-2-3'/],
  ['a range from nowhere', { ...whole, partitionLimitation: '-3' }, /has '-3'/],
  ['a range backwards', { ...whole, partitionLimitation: '4-1' }, /has '4-1'/],
  ['no partition of Kafka', { ...whole, partitionLimitation: '2147483648' }, /has '2147483648'/],
  ['wrong partitions of no topic', { ...named, partitionLimitation: 'x' }, /has 'x'/],
  [
    'more text than any trigger needs',
    { ...whole, other: 'x'.repeat(1 << 14) },
    /mailer: more than 16384 characters$/,
  ],
  [
    'more topics than any',
    { ...named, topic: Array.from({ length: 1_001 }, (_, index) => index).join() },
    /topic names more than 1000 topics/,
  ],
  [
    'more ranges than any',
    { ...whole, partitionLimitation: '1,'.repeat(1_000) + '1' },
    /partitionLimitation has more than 1000 parts/,
  ],
  [
    'a policy',
    { ...whole, offsetResetPolicy: 'foo' },
    /offsetResetPolicy is 'foo': write latest or earliest/,
  ],
  [
    'flags',
    { ...whole, allowIdleConsumers: 'notvalid' },
    /allowIdleConsumers is 'notvalid': write true or false/,
  ],
  [
    'a flag by the name of what every object has',
    { ...whole, excludePersistentLag: 'toString' },
    /'toString'/,
  ],
  [
    'a limit that is no flag',
    { ...whole, limitToPartitionsWithLag: 'yes' },
    /limitToPartitionsWithLag is 'yes'/,
  ],
  ['metadata that is no flag', { ...whole, fullMetadata: 'notabool' }, /fullMetadata is 'notabool'/],
  ['both limits', { ...whole, allowIdleConsumers: 'true', limitToPartitionsWithLag: 'true' }, /contradict/],
  [
    'limited and even',
    { ...whole, ensureEvenDistributionOfPartitions: 'true', limitToPartitionsWithLag: 'true' },
    /limitToPartitionsWithLag and ensureEvenDistributionOfPartitions contradict/,
  ],
  [
    'limited over no topic',
    { ...named, limitToPartitionsWithLag: 'true' },
    /limitToPartitionsWithLag needs a topic/,
  ],
  ['even over no topic', { ...named, ensureEvenDistributionOfPartitions: 'true' }, /needs a topic/],
  ['metadata of no topic', { ...named, fullMetadata: 'false' }, /fullMetadata: false needs a topic/],
  [
    'servers that are none',
    { ...named, bootstrapServers: 'http://x' },
    /bootstrapServers is 'http:\/\/x': write host:port/,
  ],
  ['a trigger besides', { ...whole, trigger: 'mailer' }, /trigger and consumerGroup are both set/],
  [
    'a name misspelt',
    { ...whole, lagTreshold: '5' },
    /lagTreshold is not known: did you mean lagThreshold\?/,
  ],
  [
    'a name in small letters',
    { consumergroup: 'x', topic: 't' },
    /consumerGroup is missing.*did you mean consumerGroup\?/,
  ],
];
for (const [what, metadata, message] of wrong)
  t.test(`wrong: ${what}`, async (t) => {
    t.throws(() => parse(metadata), { code: 'MILLRACE_SCALER_METADATA_INVALID', message });
    t.throws(() => parse(metadata), { message: /^ScaledObject shop\/mailer: / });
  });

t.test('a trigger by its name or by that of its ScaledObject is no group', async (t) => {
  for (const metadata of [{}, { trigger: 'mailer', scalerAddress: 'a:1' }, { topic: ' ' }])
    t.equal(isGroupMetadata(metadata), false);
});
