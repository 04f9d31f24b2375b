import t from 'tap';
import { MillraceError } from '../../../core/contract/errors.ts';
import type { OffsetsResult } from '../../../core/kafka/offsets/partition-offsets.ts';
import { kafkaStateOf, storeTopicsOf, type KafkaAnswers } from '../../../controller/plan/kafka-state.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';
import { nowMs, readyKafka } from '../fixtures/observed-state.ts';

const partition = (id: number, isCommitted: boolean) => ({
  topic: 'earthquakes',
  partition: id,
  logStart: 0n,
  end: 9n,
  committed: isCommitted ? { offset: 1n, metadata: '' } : undefined,
});
const read = (...committed: boolean[]): OffsetsResult => ({
  kind: 'read',
  partitions: committed.map((isCommitted, id) => partition(id, isCommitted)),
});
const member = (topic: string, ...ids: number[]) => ({ clientId: 'g', partitions: new Map([[topic, ids]]) });
const failed = (code: MillraceError['code']) =>
  ({ kind: 'failed', error: new MillraceError(code, 'why') }) as const;
const complete: KafkaAnswers = {
  source: read(true, true),
  group: { kind: 'read', rebalancing: false, members: [member('earthquakes', 0), member('earthquakes', 1)] },
  backlog: 7n,
  stores: new Map(),
};
const plain = subscriptionOf('quakes');

t.test('a group that is ready', async (t) => {
  t.strictSame(kafkaStateOf(plain, complete, undefined, nowMs), {
    source: { kind: 'read', partitions: 2, committed: 2 },
    group: { kind: 'read', members: 2, assigned: 2, rebalancing: false },
    unreadySinceMs: undefined,
    backlog: 7n,
    stores: [],
  });
});

t.test('what is not ready, and since when', async (t) => {
  const cases: [Partial<KafkaAnswers>, object][] = [
    [{ source: read(true, false) }, { source: { committed: 1 } }],
    [
      {
        group: {
          kind: 'read',
          rebalancing: true,
          members: [member('other', 0), member('earthquakes', 0, 0, 7)],
        },
      },
      { group: { members: 2, assigned: 1, rebalancing: true } },
    ],
    [
      { source: failed('MILLRACE_TOPIC_MISSING') },
      { source: { kind: 'failed', code: 'MILLRACE_TOPIC_MISSING', message: 'why' }, group: { assigned: 0 } },
    ],
    [{ group: failed('MILLRACE_KAFKA_FAILED') }, { group: { kind: 'failed' } }],
  ];
  for (const [changes, expected] of cases) {
    const state = kafkaStateOf(plain, { ...complete, ...changes }, undefined, nowMs);
    t.match(state, { ...expected, unreadySinceMs: nowMs });
    t.equal(
      kafkaStateOf(plain, { ...complete, ...changes }, state, nowMs + 9).unreadySinceMs,
      nowMs,
      'without a break',
    );
    t.equal(kafkaStateOf(plain, complete, state, nowMs + 9).unreadySinceMs, undefined);
    t.equal(
      kafkaStateOf(plain, { ...complete, ...changes }, readyKafka, nowMs + 9).unreadySinceMs,
      nowMs + 9,
    );
  }
});

t.test('the topics that are stored to', async (t) => {
  const subscription = {
    ...subscriptionOf('quakes', { delivery: { deadLetter: { topic: 'dead' } } }),
    reply: { topic: 'reply', transactional: false },
  };
  t.strictSame(storeTopicsOf(subscription), [
    { what: 'dead letters', topic: 'dead' },
    { what: 'replies', topic: 'reply' },
  ]);
  const states = (stores: [string, OffsetsResult][]) =>
    kafkaStateOf(subscription, { ...complete, stores: new Map(stores) }, undefined, nowMs).stores.map(
      ({ state }) => state,
    );
  t.strictSame(states([]), ['unknown', 'unknown']);
  t.strictSame(
    states([
      ['dead', read(true)],
      ['reply', failed('MILLRACE_TOPIC_MISSING')],
    ]),
    ['exists', 'missing'],
  );
  t.strictSame(
    states([
      ['dead', failed('MILLRACE_KAFKA_FAILED')],
      ['reply', failed('MILLRACE_KAFKA_FORBIDDEN')],
    ]),
    ['unknown', 'forbidden'],
  );
});
