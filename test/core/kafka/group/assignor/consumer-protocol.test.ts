import assert from 'node:assert/strict';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import t from 'tap';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../../../core/kafka/group/assignor/consumer-protocol.ts';

const { MemberAssignment } = kafkajs.AssignerProtocol;
const anyPartitions = fc.array(
  fc.record({ topic: fc.constantFrom('orders', 'caf\u00e9'), partition: fc.nat(2 ** 31 - 1) }),
);
const byName = (partitions: readonly { topic: string; partition: number }[]) =>
  partitions.map(({ topic, partition }) => `${topic}/${partition}`).sort();

t.test('what is written is read', async () => {
  const anySubscription = fc.record({
    topics: fc.array(fc.string({ maxLength: 249, unit: 'grapheme-ascii' })),
    userData: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    owned: anyPartitions,
    generation: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
  });
  fc.assert(
    fc.property(anySubscription, (subscription) => {
      const { topics, userData, owned, generation } = decodeSubscription(encodeSubscription(subscription));
      assert.deepEqual(topics, subscription.topics);
      assert.deepEqual(userData, subscription.userData);
      assert.equal(generation, subscription.generation);
      assert.deepEqual(byName(owned), byName(subscription.owned));
    }),
  );
  fc.assert(
    fc.property(anyPartitions, (partitions) => {
      const bytes = encodeAssignment(partitions);
      assert.deepEqual(byName(decodeAssignment(bytes)), byName(partitions));
      const theirs = Object.entries(MemberAssignment.decode(bytes)?.assignment ?? {});
      const read = theirs.flatMap(([topic, ids]) => ids.map((partition) => ({ topic, partition })));
      assert.deepEqual(byName(read), byName(partitions));
    }),
  );
});

t.test('each version ends where it ends', async (t) => {
  // Version, topics (a), no user data (null); then what the member has (a: 5), its generation (7), its rack (none).
  const head = (version: string) => `${version}00000001000161ffffffff`;
  const owned = '000000010001610000000100000005';
  const read = (hex: string) => decodeSubscription(Buffer.from(hex, 'hex'));
  const five = [{ topic: 'a', partition: 5 }];
  const base = { topics: ['a'], userData: Buffer.alloc(0) };
  t.strictSame(read(head('0000')), { ...base, owned: [], generation: -1 });
  t.strictSame(read(head('0001')), { ...base, owned: [], generation: -1 }, 'as the first release writes it');
  t.strictSame(read(`${head('0001')}${owned}`), { ...base, owned: five, generation: -1 });
  t.strictSame(read(`${head('0002')}${owned}00000007`), { ...base, owned: five, generation: 7 });
  t.strictSame(read(`${head('0003')}${owned}00000007ffff`), { ...base, owned: five, generation: 7 });
  t.strictSame(read(`${head('0009')}${owned}00000007ffffcafe`), { ...base, owned: five, generation: 7 });
  t.strictSame(decodeAssignment(Buffer.alloc(0)), []);
});

t.test('whatever the bytes are, they are read or refused, at a cost that their number bounds', async (t) => {
  const anyBytes = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
  for (const decode of [decodeSubscription, decodeAssignment])
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          assert.ok(error instanceof RangeError);
        }
      }),
    );
  const refused = (hex: string) => t.throws(() => decodeAssignment(Buffer.from(hex, 'hex')), RangeError, hex);
  refused('00017fffffff');
  refused('0001ffffffff');
  refused('000100000001ffff00000000');
  refused('0001000000010001617fffffff');
  t.throws(() => decodeAssignment(Buffer.from('00010000000100016100000001ffffffff', 'hex')), /partition -1/);
  t.throws(() => decodeSubscription(Buffer.from('000000000000fffffffe', 'hex')), RangeError);
});
