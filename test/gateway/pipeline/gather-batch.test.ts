import fc from 'fast-check';
import t from 'tap';
import { PendingRecord } from '../../../gateway/pipeline/pending-record.ts';
import { beginBatch, gatherBatch, lastDelivered } from '../../../gateway/pipeline/gather-batch.ts';
import { joinBatch, memberOf } from '../../../gateway/events/encode-json.ts';
import { eventOf } from '../events/build.ts';
import { lanesOf, settingsOf } from './build-lanes.ts';

const offsetsOf = (batch: ReturnType<typeof gatherBatch>) =>
  batch.map((lane) => Array.from({ length: lane.taken }, (_, index) => Number(lane.at(index).record.offset)));

t.test('one event, unless the function takes batches', async (t) => {
  for (const mode of ['binary', 'structured'] as const) {
    const { lanes } = lanesOf(['a', 'a', 'b']);
    t.strictSame(offsetsOf(gatherBatch(lanes, settingsOf(mode))), [[0]], mode);
  }
});

t.test('a batch takes lane after lane, each in its order', async (t) => {
  const { lanes } = lanesOf(['a', 'b', 'a', 'c', 'a']);
  t.strictSame(offsetsOf(gatherBatch(lanes, settingsOf('batched'))), [[0, 2, 4], [1], [3]]);
  t.strictSame(gatherBatch(lanes, settingsOf('batched')), [], 'and nothing of a lane that is under way');
});

t.test('no batch has more events than there is room for besides', async (t) => {
  const { lanes } = lanesOf(['a', 'b', 'a', 'c', 'a']);
  t.strictSame(offsetsOf(gatherBatch(lanes, settingsOf('batched'), 4)), [[0, 2, 4], [1]]);
  t.strictSame(offsetsOf(gatherBatch(lanes, settingsOf('batched'), 1)), [[3]]);
});

t.test('what a batch begins with are the events of what is taken', async (t) => {
  const { lanes, deliveries } = lanesOf(['a', 'b', 'a']);
  const batch = gatherBatch(lanes, settingsOf('batched', 2));
  const { events, members } = beginBatch(batch);
  t.strictSame(
    events.map(({ id }) => id),
    ['0', '2'],
  );
  t.strictSame(members, events.map(memberOf));
  t.ok(
    deliveries.every(({ member }) => member === undefined),
    'and nothing of it is kept',
  );
  t.strictSame(
    deliveries.map(({ isUnderWay }) => isUnderWay),
    [true, false, true],
  );
});

t.test('the last event of a batch that was delivered', async (t) => {
  const { lanes, deliveries } = lanesOf(['a', 'b', 'a', 'c']);
  const batch = gatherBatch(lanes, settingsOf('batched'));
  t.equal(lastDelivered(batch, undefined), deliveries[3]);
  t.equal(lastDelivered(batch, new Set(['3', '1'])), deliveries[2]);
  t.equal(lastDelivered(batch, new Set(['0', '1', '2', '3'])), undefined);
});

t.test('what stands for no event goes alone, and was delivered if its request was', async (t) => {
  const { lanes, deliveries } = lanesOf(['a']);
  const { partition, record } = deliveries[0]!;
  lanes.finish(gatherBatch(lanes, settingsOf('binary'))[0]!, [], 'ready');
  const bare = new PendingRecord(partition, record, undefined, 1);
  partition.lanes.add(null, bare);
  t.equal(lastDelivered(gatherBatch(lanes, settingsOf('binary')), new Set(['0'])), bare);
});

t.test('no two events of a batch have the same id, whatever their sources', async (t) => {
  const { lanes, deliveries } = lanesOf(['a', 'a', 'b', 'c']);
  const { partition, record } = deliveries[0]!;
  partition.lanes.add(
    Buffer.from('d'),
    new PendingRecord(partition, record, eventOf({ id: '1', source: '/b' }), 1),
  );
  partition.lanes.add(Buffer.from('d'), new PendingRecord(partition, record, eventOf({ id: '4' }), 1));
  t.strictSame(offsetsOf(gatherBatch(lanes, settingsOf('batched'))), [[0, 1], [2], [3]]);
  t.strictSame(
    beginBatch(gatherBatch(lanes, settingsOf('batched'))).events.map(({ id }) => id),
    ['1', '4'],
  );
});

t.test(
  'no batch has more events than it may, and no request more bytes, but for one event that is too large alone',
  async () => {
    const anyKeys = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(
        anyKeys,
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 8_000 }),
        (keys, maxEvents, maxBytes) => {
          const { lanes } = lanesOf(keys);
          const settings = settingsOf('batched', maxEvents, maxBytes);
          let taken = 0;
          for (
            let batch = gatherBatch(lanes, settings);
            batch.length > 0;
            batch = gatherBatch(lanes, settings)
          ) {
            const { members } = beginBatch(batch);
            if (members.length === 0 || members.length > maxEvents) return false;
            if (joinBatch(members).length > maxBytes && members.length > 1) return false;
            taken += members.length;
            for (const lane of batch) lanes.finish(lane, [], 'ready');
          }
          return taken === keys.length;
        },
      ),
    );
  },
);

t.test('a batch ends before what is not to be sent: a dead letter, a reply to store', async (t) => {
  const { lanes, deliveries } = lanesOf(['a', 'a', 'a', 'b', 'b', 'c', 'c']);
  deliveries[1]!.cause = { reason: 'rejected', detail: '', attempts: 1 };
  deliveries[4]!.reply = eventOf();
  const batch = gatherBatch(lanes, settingsOf('batched'));
  t.strictSame(offsetsOf(batch), [[0], [3], [5, 6]]);
  const other = lanesOf(['a', 'b']);
  other.deliveries[1]!.cause = { reason: 'rejected', detail: '', attempts: 1 };
  t.strictSame(offsetsOf(gatherBatch(other.lanes, settingsOf('batched'))), [[0]]);
  t.equal(other.lanes.next()?.at(0), other.deliveries[1], 'it keeps its turn');
});

t.test('what failed in a batch goes with its like, in batches that are no larger than it may', async (t) => {
  const { lanes, deliveries } = lanesOf(['a', 'a', 'a', 'b', 'c', 'c', 'd']);
  for (const index of [0, 1, 2, 3, 4]) deliveries[index]!.batchLimit = 2;
  const settings = settingsOf('batched', 3);
  const batches = [gatherBatch(lanes, settings), gatherBatch(lanes, settings)];
  t.strictSame(batches.map(offsetsOf), [[[0, 1]], [[3], [4]]]);
  for (const lane of batches.flat()) lanes.finish(lane, [], 'ready');
  t.strictSame(offsetsOf(gatherBatch(lanes, settings)), [[6]], 'and those that did not fail without it');
  t.strictSame(offsetsOf(gatherBatch(lanes, settings)), [[2]]);
  t.strictSame(offsetsOf(gatherBatch(lanes, settings)), [[5]]);
});

t.test('the reply to a batch belongs to the last that was delivered', async (t) => {
  const { lanes, deliveries } = lanesOf(['a', 'b', 'b']);
  const batch = gatherBatch(lanes, settingsOf('batched'));
  t.equal(lastDelivered(batch, undefined), deliveries[2]);
  t.equal(lastDelivered(batch, new Set(['2'])), deliveries[1]);
  t.equal(lastDelivered(batch, new Set(['0', '1', '2'])), undefined);
});
