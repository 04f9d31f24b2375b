import t from 'tap';
import { byAge, findTakenGroups, type GroupClaim } from '../../../core/resources/group-holders.ts';
import type { KafkaAccess } from '../../../core/contract/kafka-access.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';

function claim(
  name: string,
  createdAt?: string,
  source: { consumerGroup?: string; access?: KafkaAccess } = {},
): GroupClaim {
  return { subscription: subscriptionOf(name, { source: { consumerGroup: 'g', ...source } }), createdAt };
}

t.test('the oldest has the group, whoever is reported first', async (t) => {
  const claims = [claim('young', '2026-02-01T00:00:00Z'), claim('old', '2026-01-01T00:00:00Z'), claim('new')];
  for (const told of [claims, claims.toReversed()]) {
    t.strictSame(
      findTakenGroups(told),
      new Map([
        ['geo/young', 'geo/old'],
        ['geo/new', 'geo/old'],
      ]),
    );
  }
});

t.test('of one age, the first by name', async (t) => {
  t.strictSame(findTakenGroups([claim('b'), claim('a')]), new Map([['geo/b', 'geo/a']]));
  t.equal(byAge(claim('a'), claim('b')), -1);
});

t.test(
  'a group of one Kafka cluster is none of another, in whatever order its brokers are named',
  async (t) => {
    const one = claim('a', undefined, { access: { brokers: ['x:1', 'y:1'], namespace: 'geo' } });
    const same = claim('b', undefined, { access: { brokers: ['y:1', 'x:1'], namespace: 'shop' } });
    const others = [claim('c'), claim('d', undefined, { consumerGroup: 'h' })];
    t.strictSame(findTakenGroups([one, same, ...others]), new Map([['geo/b', 'geo/a']]));
  },
);
