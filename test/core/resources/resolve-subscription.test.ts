import t from 'tap';
import { resolveSubscription } from '../../../core/resources/resolve-subscription.ts';
import type { Subscription } from '../../../core/contract/subscription.ts';
import type { FilledTrigger } from '../../../core/resources/schema/trigger-schema.ts';
import { validateTrigger } from '../../../core/resources/validation/validate-trigger.ts';
import { triggerWording } from '../../../core/resources/validation/wording.ts';
import { triggerWith } from './minimal-trigger.ts';

function filledWith(changes: Readonly<Record<string, unknown>>): FilledTrigger {
  const verdict = validateTrigger(triggerWith(changes), triggerWording);
  if (verdict.kind === 'wrong') throw new Error(JSON.stringify(verdict.mistakes));
  return verdict.trigger;
}

function resolved(changes: Readonly<Record<string, unknown>>): Subscription {
  return resolveSubscription(filledWith(changes), undefined);
}

t.test('the smallest trigger', async (t) => {
  t.strictSame(resolved({}), {
    key: 'default/mailer',
    namespace: 'default',
    name: 'mailer',
    suspend: false,
    source: {
      cluster: 'main',
      access: undefined,
      topics: ['orders'],
      topicPattern: undefined,
      consumerGroup: 'millrace.default.mailer',
      initialOffset: 'latest',
    },
    event: { type: 'dev.millrace.record', source: undefined, dialect: 'millrace' },
    filters: [],
    function: {
      target: { kind: 'ref', apiVersion: 'apps/v1', resource: 'Deployment', name: 'mailer' },
      port: 8080,
      path: '/',
      contentMode: 'binary',
      batch: { maxEvents: 100, maxBytes: 1_048_576, maxWaitMs: 50 },
      concurrency: 8,
    },
    delivery: {
      ordering: 'partition',
      timeoutMs: 30_000,
      retry: 10,
      backoffPolicy: 'exponential',
      backoffDelayMs: 300,
      backoffMaxMs: 60_000,
      retryAfterMaxMs: 300_000,
      maxAgeMs: undefined,
      maxParkedKeys: 1_000,
      rateLimit: undefined,
      deadLetter: undefined,
    },
    reply: undefined,
    scale: {
      minReplicaCount: 0,
      maxReplicaCount: 10,
      lagThreshold: 10,
      targetDrainMs: undefined,
      activationLagThreshold: 0,
      pollingIntervalSeconds: 10,
      cooldownPeriodSeconds: 30,
      behavior: undefined,
    },
    dev: undefined,
  });
});

for (const [changes, expected] of [
  [{ 'metadata.namespace': 'geo' }, { key: 'geo/mailer', source: { consumerGroup: 'millrace.geo.mailer' } }],
  [{ 'spec.source.consumerGroup': 'mine' }, { source: { consumerGroup: 'mine' } }],
  [
    { 'spec.source.topics': undefined, 'spec.source.topicPattern': 'a.*' },
    { source: { topics: [], topicPattern: 'a.*' } },
  ],
  [{ 'spec.source.initialOffset': 'earliest' }, { source: { initialOffset: 'earliest' } }],
  [
    { 'spec.source.initialOffset': '1970-01-01T00:00:01Z' },
    { source: { initialOffset: { timestampMs: 1000 } } },
  ],
  [
    { 'spec.event.source': 'urn:a', 'spec.event.dialect': 'knative' },
    { event: { source: 'urn:a', dialect: 'knative' } },
  ],
  [
    { 'spec.function.ref': undefined, 'spec.function.service.name': 'svc' },
    { function: { target: { kind: 'service', name: 'svc' } } },
  ],
  [
    { 'spec.function.ref': undefined, 'spec.function.uri': 'http://a/b' },
    { function: { target: { kind: 'uri', uri: 'http://a/b' } } },
  ],
  [{ 'spec.function.tls': {} }, { function: { tls: { serverName: 'mailer.default.svc' } } }],
  [
    {
      'spec.function.ref': undefined,
      'spec.function.service.name': 'svc',
      'metadata.namespace': 'geo',
      'spec.function.tls.ca.secretName': 'a',
    },
    { function: { tls: { serverName: 'svc.geo.svc', ca: { secretName: 'a', key: 'ca.crt' } } } },
  ],
  [{ 'spec.function.tls.serverName': 'mine' }, { function: { tls: { serverName: 'mine' } } }],
  [
    { 'spec.function.ref': undefined, 'spec.function.uri': 'https://a/b', 'spec.function.tls': {} },
    { function: { tls: {} } },
  ],
  [
    {
      'spec.function.authentication': {
        type: 'service-account',
        serviceAccountName: 'caller',
        audience: 'mailer',
      },
    },
    { function: { authentication: { serviceAccountName: 'caller', audience: 'mailer' } } },
  ],
  [
    { 'spec.function.contentMode': 'batched', 'spec.function.batch': { maxBytes: 2048, maxWait: 'PT1S' } },
    { function: { contentMode: 'batched', batch: { maxEvents: 100, maxBytes: 2048, maxWaitMs: 1000 } } },
  ],
  [{ 'spec.delivery.maxParkedKeys': 5, 'spec.delivery.ordering': 'key' }, { delivery: { maxParkedKeys: 5 } }],
  [{ 'spec.function.concurrency': 3 }, { function: { concurrency: 3 } }],
  [{ 'spec.function.concurrency': 'adaptive' }, { function: { concurrency: { min: 1, max: 100 } } }],
  [
    { 'spec.function.concurrency': 'adaptive', 'spec.function.adaptiveConcurrency': { min: 4 } },
    { function: { concurrency: { min: 4, max: 100 } } },
  ],
  [
    { 'spec.delivery.rateLimit': { eventsPerSecond: 100 } },
    { delivery: { rateLimit: { eventsPerSecond: 100, burst: 100 } } },
  ],
  [
    { 'spec.delivery.rateLimit': { eventsPerSecond: 100, burst: 200 } },
    { delivery: { rateLimit: { eventsPerSecond: 100, burst: 200 } } },
  ],
  [{ 'spec.scale.targetDrainTime': 'PT20S' }, { scale: { targetDrainMs: 20_000 } }],
  [{ 'spec.delivery.maxAge': 'PT24H' }, { delivery: { maxAgeMs: 86_400_000 } }],
  [{ 'spec.delivery.deadLetter.topic': 'dead' }, { delivery: { deadLetter: { topic: 'dead' } } }],
  [{ 'spec.reply': { topic: 'notices' } }, { reply: { topic: 'notices', transactional: false } }],
  [
    { 'spec.reply': { topic: 'notices', transactional: true } },
    { reply: { topic: 'notices', transactional: true } },
  ],
  [{ 'spec.suspend': true }, { suspend: true }],
  [
    {
      'spec.filters': [
        { exact: { type: 'a' } },
        { not: { prefix: { type: 'b' } } },
        { cesql: "type = 'a'" },
        { cel: 'data.mag > 5.0' },
        { all: [{ suffix: { type: 'c' } }, { any: [{ exact: { id: 'd' } }] }] },
      ],
    },
    {
      filters: [
        { kind: 'exact', attributes: { type: 'a' } },
        { kind: 'not', filter: { kind: 'prefix', attributes: { type: 'b' } } },
        { kind: 'cesql', expression: "type = 'a'" },
        { kind: 'cel', expression: 'data.mag > 5.0' },
        {
          kind: 'all',
          filters: [
            { kind: 'suffix', attributes: { type: 'c' } },
            { kind: 'any', filters: [{ kind: 'exact', attributes: { id: 'd' } }] },
          ],
        },
      ],
    },
  ],
] as const) {
  t.test(JSON.stringify(changes), async (t) => t.match(resolved(changes), expected));
}

t.test('where its cluster is, is handed through', async (t) => {
  const access = { brokers: ['kafka:9092'], namespace: 'geo' };
  t.match(resolveSubscription(filledWith({}), undefined, access), { source: { access } });
});

t.test('how to start the function is handed through', async (t) => {
  const dev = { command: 'node server.js', directory: 'functions/mailer' };
  t.equal(resolveSubscription(filledWith({}), dev).dev, dev);
});

t.test('a trigger that was never validated is a bug, and said to be one', async (t) => {
  const trigger = filledWith({});
  const wrong = {
    ...trigger,
    spec: { ...trigger.spec, delivery: { ...trigger.spec.delivery, timeout: 'soon' } },
  };
  t.throws(() => resolveSubscription(wrong, undefined), TypeError);
});
