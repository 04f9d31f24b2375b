import t from 'tap';
import type { MillraceError } from '../../../../core/contract/errors.ts';
import { graceMs, sourceCondition } from '../../../../controller/plan/conditions/source-condition.ts';
import type { KafkaState } from '../../../../controller/plan/observed-state.ts';
import { nowMs, scaledSubscription, readyKafka } from '../../fixtures/observed-state.ts';

const subscription = scaledSubscription();
const evaluate = (facts: KafkaState | undefined, of = subscription) =>
  sourceCondition(of, facts, undefined, nowMs);
const failed = (code: MillraceError['code']) =>
  ({ kind: 'failed', code, message: 'Topic a does not exist' }) as const;

t.test('ready', async (t) => {
  t.match(evaluate(readyKafka), { status: 'True', reason: 'Consuming', message: /All 3 partitions/ });
});

t.test('suspended, or not checked yet', async (t) => {
  t.match(evaluate(readyKafka, scaledSubscription({ suspend: true })), {
    status: 'False',
    reason: 'Suspended',
  });
  t.match(evaluate(undefined), { status: 'Unknown', reason: 'NotCheckedYet' });
});

t.test('what is missing, and what to do', async (t) => {
  const group = { kind: 'read', members: 1, assigned: 3, rebalancing: false } as const;
  const cases: [Partial<KafkaState>, string, RegExp][] = [
    [
      { source: failed('MILLRACE_TOPIC_MISSING') },
      'TopicMissing',
      /Topic a does not exist\. Create the topic/,
    ],
    [{ source: failed('MILLRACE_KAFKA_UNREACHABLE') }, 'KafkaUnreachable', /Check KAFKA_BROKERS/],
    [{ source: failed('MILLRACE_ADDRESS_REFUSED') }, 'AddressRefused', /allowed to tenants/],
    [{ group: failed('MILLRACE_KAFKA_FAILED') }, 'KafkaFailed', /Read the cause/],
    [{ source: { kind: 'read', partitions: 0, committed: 0 } }, 'NoTopicMatches', /matches earthquakes/],
    [{ group: { ...group, members: 0, assigned: 0 } }, 'NoGateway', /millrace\.geo\.quakes/],
    [{ group: { ...group, rebalancing: true } }, 'Rebalancing', /is rebalancing/],
    [{ group: { ...group, assigned: 1 } }, 'PartitionsUnassigned', /1 of 3 partitions/],
    [{ source: { kind: 'read', partitions: 3, committed: 2 } }, 'OffsetsMissing', /2 of 3 partitions/],
  ];
  for (const [changes, reason, message] of cases)
    t.match(evaluate({ ...readyKafka, ...changes }), { status: 'False', reason, message }, reason);
});

t.test('a pattern that matches nothing is named', async (t) => {
  const pattern = scaledSubscription({ source: { topics: [], topicPattern: 'a-.*' } });
  const facts: KafkaState = { ...readyKafka, source: { kind: 'read', partitions: 0, committed: 0 } };
  t.match(evaluate(facts, pattern), { message: /matches a-\.\*/ });
});

t.test('a trigger that was ready stays so for a moment, but not without its topic', async (t) => {
  const before = { status: 'True', reason: 'Consuming', message: 'As it was.' } as const;
  const rolled: KafkaState = {
    ...readyKafka,
    group: { kind: 'read', members: 0, assigned: 0, rebalancing: false },
    unreadySinceMs: nowMs - 1_000,
  };
  t.strictSame(sourceCondition(subscription, rolled, before, nowMs), before);
  const late = nowMs + graceMs;
  t.match(sourceCondition(subscription, rolled, before, late), { reason: 'NoGateway' });
  t.match(sourceCondition(subscription, rolled, { ...before, status: 'False' }, nowMs), {
    reason: 'NoGateway',
  });
  t.match(sourceCondition(subscription, { ...rolled, unreadySinceMs: undefined }, before, nowMs), {
    reason: 'NoGateway',
  });
  const gone = { ...rolled, source: failed('MILLRACE_TOPIC_MISSING') };
  t.match(sourceCondition(subscription, gone, before, nowMs), { reason: 'TopicMissing' });
});
