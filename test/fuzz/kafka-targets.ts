// Readers of what brokers send, which is what producers wrote: compressed batches, and batches of records.
import { ok } from 'node:assert/strict';
import { batchFields, batchFlags, batchHeadBytes } from '../../core/kafka/records/batch-header.ts';
import { pack, unpack, type Compression } from '../../core/kafka/records/compressions.ts';
import { crc32c } from '../../core/kafka/records/crc32c.ts';
import { decodeRecords } from '../../core/kafka/records/decode-records.ts';
import { encodeBatch } from '../../core/kafka/records/encode-batch.ts';
import { UnreadableBatch } from '../../core/kafka/records/unreadable-batch.ts';
import type { Target } from './target.ts';

const mostUnpacked = 1 << 20;
const compressions: readonly Compression[] = ['gzip', 'snappy', 'lz4', 'zstd'];

const text = Buffer.from('a batch of records, '.repeat(20));
const batch: Target = {
  name: 'batch',
  seeds: await Promise.all(compressions.map((name) => pack(name, text))),
  async attempt(input) {
    for (const name of compressions) {
      const unpacked = await unpack(name, input, mostUnpacked).catch((error: unknown) => {
        ok(error instanceof UnreadableBatch, 'an error of another kind');
      });
      ok((unpacked?.length ?? 0) <= mostUnpacked, 'more than the limit');
    }
  },
};

const plain = encodeBatch({
  ...{ producerId: 7n, producerEpoch: 1, baseSequence: 0, isTransactional: false },
  records: [0, 1, 2].map((index) => ({
    key: index === 1 ? null : Buffer.from(`key ${index}`),
    value: index === 2 ? null : Buffer.from('{"total":12.5}'),
    timestampMs: 1_700_000_000_000 + index * 1_000,
    headers: ['a', '10', 'a', 'ä'].slice(index).map((name) => ({ name, value: Buffer.from(name) })),
  })),
});

/** The same records, compressed. */
async function packed(compression: Compression, type: number): Promise<Buffer> {
  const made = Buffer.concat([
    plain.subarray(0, batchHeadBytes),
    await pack(compression, plain.subarray(batchHeadBytes)),
  ]);
  made.writeInt32BE(made.length - batchFields.leaderEpoch, batchFields.length);
  made.writeInt16BE(type, batchFields.attributes);
  return made;
}

const marker = encodeBatch({
  ...{ producerId: 7n, producerEpoch: 1, baseSequence: -1, isTransactional: true },
  records: [{ key: Buffer.alloc(4), value: Buffer.alloc(6), timestampMs: 1_700_000_000_000, headers: [] }],
});
marker.writeInt16BE(batchFlags.transactional | batchFlags.control, batchFields.attributes);

/** As if a producer had written it: every batch has the length and the CRC of its bytes. */
function signed(input: Buffer): Buffer {
  const bytes = Buffer.from(input);
  for (let at = 0; at + batchHeadBytes <= bytes.length;) {
    const claimed = bytes.readInt32BE(at + batchFields.length) + batchFields.leaderEpoch;
    const isClaimed = claimed >= batchHeadBytes && claimed <= bytes.length - at;
    const end = isClaimed ? at + claimed : bytes.length;
    bytes.writeInt32BE(end - at - batchFields.leaderEpoch, at + batchFields.length);
    bytes.writeInt8(2, at + batchFields.magic);
    bytes.writeUInt32BE(crc32c(bytes.subarray(at + batchFields.attributes, end)), at + batchFields.crc);
    at = end;
  }
  return bytes;
}

const recordBatch: Target = {
  name: 'record-batch',
  seeds: [
    plain,
    marker,
    Buffer.concat([plain, marker]),
    ...(await Promise.all(compressions.map((name, index) => packed(name, index + 1)))),
  ],
  async attempt(input) {
    for (const bytes of [input, signed(input)]) {
      const abortedTransactions = [{ producerId: 7n, firstOffset: BigInt(input.length % 2) }];
      const fetchOffset = BigInt(input.length % 3);
      const place = { topic: 'orders', partition: 0, fetchOffset, abortedTransactions };
      const decoded = await decodeRecords({ ...place, bytes, maxUnpackedBytes: mostUnpacked });
      ok(decoded.nextOffset >= fetchOffset, 'the offset goes back');
      let before = fetchOffset - 1n;
      for (const { offset } of decoded.records) {
        ok(offset > before && offset < decoded.nextOffset, 'an offset out of its place');
        before = offset;
      }
      const { corrupt } = decoded;
      if (corrupt === undefined) continue;
      ok(corrupt.offset >= decoded.nextOffset, 'it was read');
      ok(corrupt.nextOffset === undefined || corrupt.nextOffset > corrupt.offset, 'it cannot be passed');
    }
  },
};

export const kafkaTargets: readonly Target[] = [batch, recordBatch];
