import t from 'tap';
import fc from 'fast-check';
import { groupOf, Holders, workloadOf } from '../../../core/resources/holders.ts';
import type { KafkaAccess } from '../../../core/contract/kafka-access.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';

t.test('the oldest has it, whoever claims first; of one age, the first by name', async (t) => {
  const createdAt = new Map([
    ['geo/young', '2026-02-01T00:00:00Z'],
    ['geo/old', '2026-01-01T00:00:00Z'],
    ['geo/as-old', '2026-01-01T00:00:00Z'],
    ['geo/new', undefined],
  ]);
  for (const keys of [[...createdAt.keys()], [...createdAt.keys()].toReversed()]) {
    const holders = new Holders();
    for (const key of keys) holders.claim(key, 'g', createdAt.get(key));
    t.equal(holders.holder('g'), 'geo/as-old');
    t.equal(holders.otherHolder('geo/as-old'), undefined);
    for (const key of ['geo/young', 'geo/old', 'geo/new']) t.equal(holders.otherHolder(key), 'geo/as-old');
  }
});

t.test('whoever a claim or its end may matter to is told, and nobody else', async (t) => {
  const holders = new Holders();
  t.strictSame(holders.claim('a', 'g', '2'), new Set(['a']));
  t.strictSame(holders.claim('c', 'other', '1'), new Set(['c']));
  t.strictSame(holders.claim('b', 'g', '1'), new Set(['a', 'b']));
  t.equal(holders.otherHolder('a'), 'b');
  t.strictSame(holders.claim('b', 'g', '1'), new Set(), 'claimed already');
  t.strictSame(holders.claim('b', 'other', '2'), new Set(['a', 'b', 'c']));
  t.equal(holders.otherHolder('a'), undefined);
  t.equal(holders.otherHolder('b'), 'c');
  t.strictSame(holders.release('c'), ['b']);
  t.strictSame(holders.release('c'), []);
  t.equal(holders.otherHolder('unknown'), undefined);
  for (const key of ['a', 'b']) holders.release(key);
  t.equal(holders.size, 0);
  t.equal(holders.holder('g'), undefined);
});

t.test('after any claims and releases, everything belongs to the oldest who claims it', async (t) => {
  const key = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.record({
    key,
    thing: fc.constantFrom('x', 'y', undefined),
    age: fc.constantFrom('1', '2'),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const holders = new Holders();
      const claims = new Map<string, { thing: string; age: string }>();
      for (const { key: claimant, thing, age } of steps) {
        if (thing === undefined) {
          holders.release(claimant);
          claims.delete(claimant);
        } else {
          holders.claim(claimant, thing, age);
          claims.set(claimant, { thing, age });
        }
      }
      for (const thing of ['x', 'y']) {
        const [oldest] = [...claims]
          .filter(([, claim]) => claim.thing === thing)
          .map(([claimant, { age }]) => `${age} ${claimant}`)
          .toSorted();
        t.equal(holders.holder(thing), oldest?.slice(2));
      }
    }),
  );
});

t.test(
  'a group of one Kafka cluster is none of another, in whatever order its brokers are named',
  async (t) => {
    const group = (access?: KafkaAccess, consumerGroup = 'g') =>
      groupOf(subscriptionOf('a', { source: { consumerGroup, access } }));
    const one = group({ brokers: ['x:1', 'y:1'], namespace: 'geo' });
    t.equal(group({ brokers: ['y:1', 'x:1'], namespace: 'shop' }), one);
    t.equal(new Set([one, group(), group(undefined, 'h')]).size, 3);
  },
);

t.test('a function that is named by ref can be scaled, by its kind, namespace and name', async (t) => {
  const { function: settings, ...rest } = subscriptionOf('a');
  const of = (target: typeof settings.target) => workloadOf({ ...rest, function: { ...settings, target } });
  const ref = { kind: 'ref', apiVersion: 'apps/v1', resource: 'Deployment', name: 'f' } as const;
  t.equal(of(ref), 'Deployment.apps geo/f');
  t.equal(of({ ...ref, apiVersion: 'apps/v2' }), of(ref), 'it is the same in all versions');
  t.equal(
    of({ ...ref, apiVersion: 'v1', resource: 'ReplicationController' }),
    'ReplicationController. geo/f',
  );
  t.not(of({ ...ref, resource: 'StatefulSet' }), of(ref));
  t.equal(of({ kind: 'service', name: 'f' }), undefined);
});
