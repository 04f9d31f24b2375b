import t from 'tap';
import {
  nextOffsetOf,
  readBatchHeader,
  wholeBatchBytes,
} from '../../../../core/kafka/records/batch-header.ts';
import { flags, rawBatch } from '../fixtures/batches.ts';

t.test('the head of a batch', async (t) => {
  const bytes = rawBatch({
    baseOffset: 2n ** 40n,
    leaderEpoch: 5,
    attributes: 4 | flags.logAppendTime | flags.transactional,
    lastOffsetDelta: 9,
    baseTimestampMs: 1_700_000_000_000,
    maxTimestampMs: 1_700_000_000_001,
    producerId: 77n,
    count: 3,
  });
  const header = readBatchHeader(bytes);
  t.strictSame(header, {
    baseOffset: 2n ** 40n,
    lastOffsetDelta: 9,
    leaderEpoch: 5,
    compression: 4,
    isLogAppendTime: true,
    isTransactional: true,
    isControl: false,
    baseTimestampMs: 1_700_000_000_000,
    maxTimestampMs: 1_700_000_000_001,
    producerId: 77n,
    count: 3,
  });
  t.equal(nextOffsetOf(header), 2n ** 40n + 10n);
  const control = readBatchHeader(rawBatch({ attributes: flags.control }));
  t.match(control, { isControl: true, isTransactional: false, isLogAppendTime: false, compression: 0 });
});

t.test('what is no head of a batch', async (t) => {
  const read = (bytes: Buffer) => () => readBatchHeader(bytes);
  for (const magic of [0, 1])
    t.throws(read(rawBatch({ magic })), {
      name: 'UnreadableBatch',
      message: new RegExp(`message format v${magic},`),
    });
  t.throws(read(rawBatch({ magic: 3 })), { message: 'it has an unknown message format, 3' });
  t.throws(
    read(rawBatch({ magic: 1 }).subarray(0, 17)),
    { message: /v1/ },
    'a short message of the old format',
  );
  t.throws(read(rawBatch({}).subarray(0, 60)), { message: /shorter than the head/ });
  t.throws(read(Buffer.alloc(12)), { message: /shorter than the head/ });
  t.throws(read(rawBatch({ lastOffsetDelta: -1 })), { message: /before its first offset/ });
});

t.test('how long a batch is, where all of it is there', async (t) => {
  const bytes = rawBatch({});
  t.equal(wholeBatchBytes(bytes, 0), 61);
  t.equal(wholeBatchBytes(Buffer.concat([bytes, bytes]), 61), 61);
  t.equal(wholeBatchBytes(bytes.subarray(0, 60), 0), undefined);
  t.equal(wholeBatchBytes(bytes.subarray(0, 11), 0), undefined);
  bytes.writeInt32BE(-100, 8);
  t.equal(wholeBatchBytes(bytes, 0), 0, 'a length that lies');
});
