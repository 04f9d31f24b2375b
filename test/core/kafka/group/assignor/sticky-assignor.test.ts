import assert from 'node:assert/strict';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import t from 'tap';
import type { TopicPartition } from '../../../../../core/contract/record.ts';
import type { JoinedMember } from '../../../../../core/kafka/group/classic-requests.ts';
import {
  assignCooperatively,
  assignMembers,
  assignSticky,
  encodeClaim,
} from '../../../../../core/kafka/group/assignor/sticky-assignor.ts';

t.setTimeout(60_000);
// An oracle of its own, and what the members of the first release read and write.
const { AssignerProtocol } = kafkajs;

type Assignment = Map<string, TopicPartition[]>;

const partitionsOf = (topic: string, count: number) =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }));
const nameOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`;
const claimsOf = (members: readonly string[], topics: readonly string[], owned: Assignment) =>
  members.map((memberId) => ({ memberId, topics, generation: 1, owned: owned.get(memberId) ?? [] }));

function assertBalanced(assignment: Assignment, all: readonly TopicPartition[]): void {
  const given = [...assignment.values()].flat().map(nameOf);
  assert.deepEqual(given.sort(), all.map(nameOf).sort(), 'each partition has one member');
  const sizes = [...assignment.values()].map(({ length }) => length);
  assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `sizes ${sizes.join(' ')}`);
}

/** How many partitions at least change hands when all that stay must be shared evenly. */
function fewestMoves(before: Assignment, members: readonly string[], all: readonly TopicPartition[]): number {
  const floor = Math.floor(all.length / members.length);
  let larger = all.length % members.length;
  let kept = 0;
  for (const memberId of members) {
    const { length } = (before.get(memberId) ?? []).filter((one) =>
      all.some((two) => nameOf(one) === nameOf(two)),
    );
    const isLarger = length > floor && larger > 0;
    if (isLarger) larger -= 1;
    kept += Math.min(length, isLarger ? floor + 1 : floor);
  }
  return all.length - kept;
}

const anyMembers = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), { minLength: 1 });

t.test(
  'through joins, leaves and new partitions: complete, balanced, and as little moves as can be',
  async () => {
    const anyRound = fc.record({ members: anyMembers, more: fc.nat(3) });
    fc.assert(
      fc.property(fc.nat(12), fc.array(anyRound, { minLength: 1, maxLength: 8 }), (count, rounds) => {
        let before: Assignment = new Map();
        let partitions = count;
        for (const { members, more } of rounds) {
          partitions += more;
          const all = [...partitionsOf('orders', partitions), ...partitionsOf('quakes', 2)];
          const after = assignSticky(claimsOf(members, ['orders', 'quakes'], before), all);
          assertBalanced(after, all);
          const owner = new Map(
            [...before].flatMap(([memberId, owned]) => owned.map((one) => [nameOf(one), memberId])),
          );
          const moved = [...after].flatMap(([memberId, owned]) =>
            owned.filter((one) => owner.get(nameOf(one)) !== memberId),
          );
          assert.equal(moved.length, fewestMoves(before, members, all));
          before = after;
        }
      }),
    );
  },
);

t.test('the same claims mean the same assignment, in whatever order they come', async () => {
  const anyOwned = fc.array(fc.record({ topic: fc.constantFrom('orders', 'gone'), partition: fc.nat(8) }), {
    maxLength: 6,
  });
  const anyClaims = anyMembers.chain((members) =>
    fc.tuple(
      ...members.map((memberId) =>
        anyOwned.map((owned) => ({ memberId, topics: ['orders'], generation: 1, owned })),
      ),
    ),
  );
  fc.assert(
    fc.property(anyClaims, fc.infiniteStream(fc.nat()), (claims, dice) => {
      const all = partitionsOf('orders', 7);
      const first = assignSticky(claims, all);
      assertBalanced(first, all);
      const shuffled = claims.map((claim) => ({ claim, at: dice.next().value! })).sort((x, y) => x.at - y.at);
      const second = assignSticky(
        shuffled.map(({ claim }) => claim),
        all,
      );
      assert.deepEqual(new Map([...second].sort()), new Map([...first].sort()));
    }),
  );
});

t.test('a partition goes to nobody who does not subscribe to its topic', async (t) => {
  const claims = [
    { memberId: 'a', topics: ['orders'], generation: 1, owned: partitionsOf('quakes', 2) },
    { memberId: 'b', topics: ['orders', 'quakes'], generation: 1, owned: [] },
  ];
  const assigned = assignSticky(claims, [
    ...partitionsOf('orders', 1),
    ...partitionsOf('quakes', 2),
    ...partitionsOf('nobody', 1),
  ]);
  t.ok(assigned.get('a')!.every(({ topic }) => topic === 'orders'));
  t.strictSame([...assigned.values()].flat().map(nameOf).sort(), ['orders/0', 'quakes/0', 'quakes/1']);
});

t.test(
  'in a run of joins nobody gets what another has, and in the end all is as it would be at once',
  async () => {
    const anyRound = fc.record({ members: anyMembers, more: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(anyRound, { minLength: 1, maxLength: 6 }), (rounds) => {
        const owned = new Map<string, TopicPartition[]>();
        let count = 3;
        for (const { members, more } of rounds) {
          count += more;
          const all = partitionsOf('orders', count);
          for (const memberId of owned.keys())
            if (!members.some((one) => one === memberId)) owned.delete(memberId);
          let isSettled = false;
          for (let joins = 0; !isSettled; joins += 1) {
            assert.ok(joins < 3, 'one join to let go, one to take');
            const assigned = assignCooperatively(claimsOf(members, ['orders'], owned), all);
            isSettled = true;
            for (const [memberId, partitions] of assigned) {
              for (const [other, theirs] of owned)
                if (other !== memberId)
                  assert.ok(!theirs.some((one) => partitions.some((two) => nameOf(one) === nameOf(two))));
              const names = partitions.map(nameOf);
              isSettled &&= (owned.get(memberId) ?? []).every((one) => names.includes(nameOf(one)));
            }
            for (const [memberId, partitions] of assigned) owned.set(memberId, partitions);
          }
          assertBalanced(owned, all);
        }
      }),
    );
  },
);

t.test('of two who claim a partition, the one who was a member last has it', async (t) => {
  const both = partitionsOf('orders', 2);
  const claim = (memberId: string, generation: number) => ({
    memberId,
    topics: ['orders'],
    generation,
    owned: both,
  });
  const assigned = assignCooperatively([claim('a', 3), claim('b', 5)], both);
  t.strictSame(assigned.get('a'), [], 'its share waits until the other has let go');
  t.equal(assigned.get('b')!.length, 1);
});

/** As it travels: members' metadata in, their assignments out. */
function overTheWire(members: readonly JoinedMember[], count: number): Record<string, unknown> {
  const encoded = assignMembers(members, () => Array.from({ length: count }, (_, partition) => partition));
  return Object.fromEntries(
    encoded.map(({ memberId, assignment }) => [
      memberId,
      AssignerProtocol.MemberAssignment.decode(assignment)?.assignment,
    ]),
  );
}

t.test('claims and assignments survive the wire', async (t) => {
  const claim = (owned: readonly number[]) =>
    encodeClaim({
      topics: ['orders'],
      generation: 7,
      owned: owned.map((partition) => ({ topic: 'orders', partition })),
    });
  const members = [
    { memberId: 'a', metadata: claim([3, 1]) },
    { memberId: 'b', metadata: claim([]) },
  ];
  t.strictSame(overTheWire(members, 4), { a: { orders: [3, 1] }, b: { orders: [0, 2] } });
});

t.test('a claim that cannot be read claims nothing, and harms nobody', async (t) => {
  const broken = [
    '',
    '{',
    'null',
    '7',
    '[]',
    '{"orders":[0]}',
    '{"generation":1}',
    '{"generation":"1","owned":{"orders":[0]}}',
    '{"generation":1,"owned":{"orders":5}}',
    '{"generation":1,"owned":{"orders":"01"}}',
    '{"generation":1,"owned":{"orders":["0"]}}',
    '{"generation":1,"owned":{"orders":[1.5,null]}}',
  ];
  for (const userData of broken) {
    const metadata = AssignerProtocol.MemberMetadata.encode({
      version: 1,
      topics: ['orders'],
      userData: Buffer.from(userData),
    });
    const good = encodeClaim({ topics: ['orders'], generation: 1, owned: partitionsOf('orders', 2) });
    const assigned = overTheWire(
      [
        { memberId: 'a', metadata },
        { memberId: 'b', metadata: good },
      ],
      4,
    );
    t.strictSame(assigned, { a: { orders: [2, 3] }, b: { orders: [0, 1] } }, JSON.stringify(userData));
  }
});

t.test('members of the first release and of this one read each other', async (t) => {
  const owned = partitionsOf('orders', 2);
  const old = AssignerProtocol.MemberMetadata.encode({
    version: 1,
    topics: ['orders'],
    userData: Buffer.from('{"generation":7,"owned":{"orders":[0,1]}}'),
  });
  const young = encodeClaim({ topics: ['orders'], generation: 7, owned });
  t.strictSame(overTheWire([{ memberId: 'old', metadata: old }], 3), { old: { orders: [0, 1, 2] } });
  const read = AssignerProtocol.MemberMetadata.decode(young);
  t.strictSame(read?.topics, ['orders']);
  t.equal(read?.userData.toString(), '{"generation":7,"owned":{"orders":[0,1]}}');
});

t.test('bytes that are no subscription at all harm nobody', async (t) => {
  const good = encodeClaim({ topics: ['orders'], generation: 1, owned: [] });
  for (const metadata of [Buffer.alloc(0), Buffer.from('00037fffffff', 'hex'), good.subarray(0, 9)]) {
    const assigned = overTheWire(
      [
        { memberId: 'a', metadata },
        { memberId: 'b', metadata: good },
      ],
      2,
    );
    t.strictSame(assigned, { a: {}, b: { orders: [0, 1] } }, metadata.toString('hex'));
  }
});

t.test('members with different topics are each as even as their topics allow', async () => {
  const anyTopics = fc.uniqueArray(fc.constantFrom<string[]>('a', 'b', 'c'), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(anyTopics, { minLength: 1, maxLength: 6 }), (subscribed) => {
      const all = ['a', 'b', 'c'].flatMap((topic) => partitionsOf(topic, 5));
      const claims = subscribed.map((topics, index) => ({
        memberId: `m${index}`,
        topics,
        generation: 1,
        owned: [],
      }));
      const assigned = assignSticky(claims, all);
      const counts = claims.map(() => 0);
      // One after the other, to the first of those that have the fewest.
      for (const { topic } of all) {
        const able = claims.flatMap(({ topics }, index) => (topics.includes(topic) ? [index] : []));
        const least = able.toSorted((x, y) => counts[x]! - counts[y]! || x - y)[0];
        if (least !== undefined) counts[least]! += 1;
      }
      assert.deepEqual(
        claims.map(({ memberId }) => assigned.get(memberId)!.length),
        counts,
      );
    }),
  );
});

// The first release took 0.8 and 3.9 s for each of these rounds, so that all of them together would last longer than this file may.
for (const count of [1_000, 3_000]) {
  t.test(`${count} topics of 10 partitions cost what they are, not its square`, async (t) => {
    const topics = Array.from({ length: count }, (_, index) => `topic-${index}`);
    const ten = Array.from({ length: 10 }, (_, partition) => partition);
    const held = new Map<string, TopicPartition[]>(['a', 'b', 'c', 'd'].map((memberId) => [memberId, []]));
    for (let generation = 1; generation <= 20; generation += 1) {
      const members = [...held].map(([memberId, owned]) => ({
        ...{ memberId, metadata: encodeClaim({ topics, generation, owned }) },
      }));
      for (const { memberId, assignment } of assignMembers(members, () => ten)) {
        const { assignment: given = {} } = AssignerProtocol.MemberAssignment.decode(assignment) ?? {};
        const owned = Object.entries(given).map(([topic, all]) =>
          all.map((partition) => ({ topic, partition })),
        );
        held.set(memberId, owned.flat());
      }
    }
    t.strictSame(
      [...held.values()].map(({ length }) => length),
      Array.from({ length: 4 }, () => count * 2.5),
    );
  });
}
