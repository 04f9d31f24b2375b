import fc from 'fast-check';
import t from 'tap';
import { triggerRules } from '../../../../core/resources/validation/trigger-rules.ts';
import { triggerWording } from '../../../../core/resources/validation/wording.ts';
import { broken } from '../minimal-trigger.ts';

const uri = { 'spec.function.ref': undefined, 'spec.function.uri': 'http://localhost:8080/' };
const pattern = { 'spec.source.topics': undefined, 'spec.source.topicPattern': 'orders.*' };

for (const [what, changes] of [
  ['the smallest trigger', {}],
  ['a pattern', pattern],
  ['a uri', uri],
  ['a service', { 'spec.function.ref': undefined, 'spec.function.service.name': 'mailer' }],
  ['a batch in batches', { 'spec.function.batch': {}, 'spec.function.contentMode': 'batched' }],
  [
    'a batch in a mode that is wrong anyway',
    { 'spec.function.batch': {}, 'spec.function.contentMode': 'batch' },
  ],
  [
    'bounds where concurrency is learned',
    { 'spec.function.concurrency': 'adaptive', 'spec.function.adaptiveConcurrency': { min: 5, max: 5 } },
  ],
  [
    'bounds with a concurrency that is wrong anyway',
    { 'spec.function.concurrency': 'auto', 'spec.function.adaptiveConcurrency': {} },
  ],
  ['as many replicas at least as at most', { 'spec.scale.minReplicaCount': 10 }],
  ['replicas that are no numbers', { 'spec.scale.minReplicaCount': '20' }],
  ['a delay as long as the longest', { 'spec.delivery.backoffDelay': 'PT60S' }],
  ['a delay that is none', { 'spec.delivery.backoffDelay': 'long' }],
  ['a delay that is no text', { 'spec.delivery.backoffDelay': 60 }],
  ['a dead letter elsewhere', { 'spec.delivery.deadLetter.topic': 'orders.dead' }],
  ['a reply elsewhere', { ...pattern, 'spec.reply.topic': 'my-orders' }],
  [
    'a reply beside a pattern that is none',
    { ...pattern, 'spec.source.topicPattern': '(', 'spec.reply.topic': '(' },
  ],
  ['a reply that is no text', { 'spec.reply.topic': ['orders'] }],
  ['topics that are no list', { 'spec.source.topics': 'orders', 'spec.reply.topic': 'orders' }],
  ['a group of its namespace', { 'spec.source.consumerGroup': 'millrace.default.biller' }],
  ['a group that others read as well', { 'spec.source.consumerGroup': 'billing' }],
  ['a group that is no text', { 'spec.source.consumerGroup': ['millrace.shop.biller'] }],
  [
    'a namespace that is wrong anyway',
    { 'metadata.namespace': 'Shop', 'spec.source.consumerGroup': 'millrace.shop.biller' },
  ],
  [
    'a namespace that is no text',
    { 'metadata.namespace': 7, 'spec.source.consumerGroup': 'millrace.shop.biller' },
  ],
  ['a source that is none', { 'spec.source': 'orders', 'spec.function': null }],
] as const) {
  t.test(`${what} breaks no rule`, async (t) => t.strictSame(broken(changes), []));
}

const group = 'spec.function: must have exactly one of ref, service, uri, has';
for (const [changes, mistakes] of [
  [
    { 'spec.source.topics': undefined },
    ['spec.source: must have exactly one of topics, topicPattern, has none of them.'],
  ],
  [
    { 'spec.source.topicPattern': 'a' },
    ['spec.source: must have exactly one of topics, topicPattern, has topics and'],
  ],
  [
    { 'spec.source.consumerGroup': 'millrace.default-shop.biller' },
    [
      'spec.source.consumerGroup: must not be a group of another namespace (a group that begins with millrace. belongs to the namespace that follows), is "millrace.default-shop.biller". Leave consumerGroup out, or write one that begins with millrace.default. or does not begin with millrace.',
    ],
  ],
  [{ 'spec.function.ref': undefined }, [`${group} none of them. To have a Deployment scaled, write`]],
  [
    { 'spec.function.uri': 'http://a/', 'spec.function.service.name': 'a' },
    [`${group} ref and service and uri.`],
  ],
  [{ 'spec.function.uri': 'http://a/' }, [`${group} ref and uri.`]],
  [
    { ...uri, 'spec.function.port': 1, 'spec.function.path': '/' },
    [
      'spec.function.port: has no meaning with uri. Write the port into the uri.',
      'spec.function.path: has no meaning with uri. Write the path into the uri.',
    ],
  ],
  [
    { 'spec.function.batch': {} },
    ['spec.function.batch: has no meaning in contentMode binary. Write `contentMode: batched`'],
  ],
  [
    { 'spec.function.batch': {}, 'spec.function.contentMode': 'structured' },
    ['spec.function.batch: has no meaning in contentMode structured.'],
  ],
  [
    { 'spec.delivery.maxParkedKeys': 5 },
    [
      'spec.delivery.maxParkedKeys: has no meaning with ordering partition. Write `ordering: key`, or leave maxParkedKeys out.',
    ],
  ],
  [
    { 'spec.delivery.maxParkedKeys': 5, 'spec.delivery.ordering': 'none' },
    ['spec.delivery.maxParkedKeys: has no meaning with ordering none.'],
  ],
  [{ 'spec.delivery.maxParkedKeys': 5, 'spec.delivery.ordering': 'key' }, []],
  [
    { 'spec.function.adaptiveConcurrency': {} },
    [
      'spec.function.adaptiveConcurrency: has no meaning with concurrency 8. Write `concurrency: adaptive`, or leave',
    ],
  ],
  [
    { 'spec.function.concurrency': 'adaptive', 'spec.function.adaptiveConcurrency.min': 101 },
    ['spec.function.adaptiveConcurrency.min: must not be above max (100), is 101. Lower min or raise max.'],
  ],
  [
    { 'spec.scale.minReplicaCount': 11 },
    ['spec.scale.minReplicaCount: must not be above maxReplicaCount (10), is 11.'],
  ],
  [
    { 'spec.delivery.backoffDelay': 'PT2M' },
    [
      'spec.delivery.backoffDelay: must not be above backoffMax (PT60S), is PT2M. Lower backoffDelay or raise backoffMax.',
    ],
  ],
  [
    { 'spec.delivery.backoffMax': 'PT0.1S' },
    ['spec.delivery.backoffMax: must not be below backoffDelay (PT0.3S), is PT0.1S.'],
  ],
  [
    { 'spec.delivery.deadLetter.topic': 'orders', 'spec.reply.topic': 'orders' },
    [
      'spec.delivery.deadLetter.topic: must not be a topic that the trigger reads, is "orders": its dead letters would come back',
      'spec.reply.topic: must not be a topic that the trigger reads, is "orders": its replies would come back to it for ever.',
    ],
  ],
  [
    { ...pattern, 'spec.delivery.deadLetter.topic': 'orders.dead' },
    ['spec.delivery.deadLetter.topic: must not be a topic that the trigger reads, is "orders.dead":'],
  ],
] as const) {
  t.test(JSON.stringify(changes), async (t) => {
    const found = broken(changes);
    t.equal(found.length, mistakes.length, found.join('\n'));
    for (const [index, mistake] of mistakes.entries()) t.ok(found[index]?.startsWith(mistake), found.join());
  });
}

t.test('the rules judge whatever they are given', async (t) => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (declared, filled) => {
      t.ok(Array.isArray(triggerRules(declared, filled, triggerWording)));
    }),
  );
});
