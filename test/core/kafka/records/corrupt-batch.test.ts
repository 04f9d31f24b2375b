import t from 'tap';
import { corruptBatch } from '../../../../core/kafka/records/corrupt-batch.ts';
import { UnreadableBatch } from '../../../../core/kafka/records/unreadable-batch.ts';
import { rawBatch, valuesBatch } from '../fixtures/batches.ts';

/** The batch in the first place of these, which is wanted from `position` on. */
function corrupt(position: bigint, ...batches: readonly Buffer[]) {
  const fetched = { topic: 'orders', partition: 3, bytes: Buffer.concat(batches) };
  const { offset, nextOffset } = corruptBatch(fetched, 0, position, new UnreadableBatch('it ends'));
  return [offset, nextOffset];
}

t.test('the error tells where, and why', async (t) => {
  const fetched = { topic: 'orders', partition: 3, bytes: valuesBatch(7n, ['a']) };
  const { error } = corruptBatch(fetched, 0, 7n, new UnreadableBatch('it ends'));
  t.match(error, {
    code: 'MILLRACE_KAFKA_BATCH_UNREADABLE',
    message: 'the batch at offset 7 of orders-3 cannot be read',
    cause: { message: 'it ends' },
  });
});

t.test('its bytes, and nothing of what follows', async (t) => {
  const [batch, next] = [valuesBatch(7n, ['a']), valuesBatch(8n, ['b'])];
  const bytesOf = (...batches: readonly Buffer[]) => {
    const fetched = { topic: 'orders', partition: 3, bytes: Buffer.concat(batches) };
    return corruptBatch(fetched, 0, 7n, new UnreadableBatch('it ends'));
  };
  t.match(bytesOf(batch, next), { bytes: batch, why: 'it ends' });
  t.strictSame(bytesOf(batch.subarray(0, 40)).bytes, batch.subarray(0, 40), 'the rest is missing');
  const negative = Buffer.from(batch);
  negative.writeInt32BE(-50, 8);
  t.strictSame(bytesOf(negative, next).bytes, negative.subarray(0, 12), 'at least what tells its length');
});

t.test('an end beyond what can be fetched is not believed', async (t) => {
  const at = (endOffset: bigint | undefined, ...batches: readonly Buffer[]) => {
    const fetched = { topic: 'orders', partition: 3, bytes: Buffer.concat(batches), endOffset };
    return corruptBatch(fetched, 0, 7n, new UnreadableBatch('it ends')).nextOffset;
  };
  const long = rawBatch({ baseOffset: 7n, lastOffsetDelta: 2 ** 20, count: 3 });
  t.equal(at(10n, long), undefined);
  t.equal(at(10n, long, valuesBatch(9n, ['d'])), 9n);
  t.equal(at(10n, valuesBatch(7n, ['a', 'b', 'c'])), 10n);
  t.equal(at(undefined, valuesBatch(7n, ['a', 'b', 'c'])), 10n);
});

t.test('the place of the batch, and of what follows', async (t) => {
  const batch = valuesBatch(7n, ['a', 'b', 'c']);
  t.strictSame(corrupt(5n, batch), [7n, 10n], 'after a gap');
  t.strictSame(corrupt(8n, batch), [8n, 10n], 'what is wanted of it');
  t.strictSame(corrupt(7n, batch, valuesBatch(20n, ['d'])), [7n, 10n]);
});

t.test('a head that lies leads back to nothing, and past nothing that follows', async (t) => {
  const next = valuesBatch(10n, ['d']);
  const long = rawBatch({ baseOffset: 7n, lastOffsetDelta: 2 ** 20, count: 3 });
  t.strictSame(corrupt(7n, long, next), [7n, 10n], 'an end beyond what follows');
  t.strictSame(corrupt(7n, long), [7n, 7n + 2n ** 20n + 1n], 'nothing that follows is known');
  const backwards = rawBatch({ baseOffset: 7n, lastOffsetDelta: -5, count: 3 });
  t.strictSame(corrupt(7n, backwards, next), [7n, 10n], 'an end before its begin');
  t.strictSame(corrupt(7n, backwards), [7n, undefined]);
  const far = rawBatch({ baseOffset: 2n ** 50n });
  t.strictSame(corrupt(7n, far, next), [7n, 10n], 'a begin beyond what follows');
  t.strictSame(corrupt(7n, far), [2n ** 50n, 2n ** 50n + 1n]);
  t.strictSame(corrupt(7n, valuesBatch(7n, ['a']), valuesBatch(2n, ['b'])), [7n, 8n], 'what follows lies');
});

t.test('lengths and formats', async (t) => {
  const batch = valuesBatch(7n, ['a']);
  t.strictSame(corrupt(7n, batch.subarray(0, 5)), [7n, undefined]);
  t.strictSame(corrupt(7n, batch.subarray(0, 20)), [7n, undefined]);
  t.strictSame(corrupt(7n, batch.subarray(0, 40)), [7n, 8n], 'the rest is missing');
  t.strictSame(corrupt(5n, rawBatch({ baseOffset: 9n, magic: 1 })), [5n, 10n], 'v1 tells its last offset');
  const negative = Buffer.from(batch);
  negative.writeInt32BE(-1, 8);
  t.strictSame(corrupt(7n, negative), [7n, 8n]);
});
