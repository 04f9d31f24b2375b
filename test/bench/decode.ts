// What it costs to make records of the bytes of a batch, CRC-32C included where the client checks it: ours beside the two clients for Node.
import { createRequire } from 'node:module';
import { Reader, readRecordsBatches } from '@platformatic/kafka';
import { formatTable } from '../../cli/bench/report.ts';
import { decodeRecords } from '../../core/kafka/records/decode-records.ts';
import { encodeBatch } from '../../core/kafka/records/encode-batch.ts';

interface Case {
  readonly headers: number;
  readonly valueBytes: number;
  readonly batches: number;
}

type Decode = (bytes: Buffer) => Promise<number>;

const require = createRequire(import.meta.url);
const recordsPerBatch = 100;
const rounds = 7;
/** A round takes so many records, at least; fewer where they are large. */
const recordsPerRound = { most: 20_000, bytes: 16 * 1_048_576 } as const;

const decoders: Readonly<Record<string, Decode>> = {
  millrace: async (bytes) => {
    const place = { topic: 'bench', partition: 0, fetchOffset: 0n };
    const { records } = await decodeRecords({
      ...place,
      bytes,
      abortedTransactions: [],
      maxUnpackedBytes: 0,
    });
    return records.length;
  },
  platformatic: (bytes) =>
    Promise.resolve(
      readRecordsBatches(Reader.from(bytes)).reduce((sum, { records }) => sum + records.length, 0),
    ),
  kafkajs: async (bytes) => {
    const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => {
      canReadBytes(size: number): boolean;
    };
    const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (
      decoder: unknown,
    ) => Promise<{ records: unknown[] }>;
    const decoder = new Decoder(bytes);
    let count = 0;
    while (decoder.canReadBytes(1)) count += (await decodeBatch(decoder)).records.length;
    return count;
  },
};

export async function benchDecoding(): Promise<string> {
  const cases: Case[] = [
    { headers: 0, valueBytes: 200, batches: 10 },
    { headers: 8, valueBytes: 200, batches: 10 },
    { headers: 0, valueBytes: 200, batches: 1 },
    { headers: 0, valueBytes: 200, batches: 100 },
    { headers: 0, valueBytes: 20_000, batches: 1 },
    { headers: 80, valueBytes: 200, batches: 1 },
  ];
  const rows: string[][] = [];
  for (const one of cases) {
    const { headers, valueBytes, batches } = one;
    const bytes = bytesOf(one);
    const best = await bestOf(bytes, batches * recordsPerBatch);
    const own = best.get('millrace') ?? NaN;
    rows.push([
      `${headers} headers, values of ${valueBytes} B, ${(bytes.length / 1024).toFixed(0)} KiB at once`,
      ...Object.keys(decoders).map((name) => (best.get(name) ?? NaN).toFixed(2)),
      ...Object.keys(decoders)
        .slice(1)
        .map((name) => (own / (best.get(name) ?? NaN)).toFixed(2)),
    ]);
  }
  const head = ['decoding, µs/record', ...Object.keys(decoders), '÷ platformatic', '÷ kafkajs'];
  return formatTable(head, rows);
}

function bytesOf({ headers, valueBytes, batches }: Case): Buffer {
  const records = Array.from({ length: recordsPerBatch }, (_, index) => ({
    key: Buffer.from(`customer-${index}`),
    value: Buffer.alloc(valueBytes, 'x'),
    headers: Array.from({ length: headers }, (_empty, at) => ({
      name: `ce_attribute${at}`,
      value: Buffer.from(`value-${index}`),
    })),
    timestampMs: 1_767_323_045_678 + index,
  }));
  const producer = { producerId: -1n, producerEpoch: -1, baseSequence: -1, isTransactional: false };
  const all = Array.from({ length: batches }, (_, batch) => {
    const bytes = encodeBatch({ records, ...producer });
    bytes.writeBigInt64BE(BigInt(batch * recordsPerBatch), 0);
    return bytes;
  });
  return Buffer.concat(all);
}

/** Least µs of CPU per record of several rounds, in which the decoders take turns: others use this machine too. */
async function bestOf(bytes: Buffer, records: number): Promise<Map<string, number>> {
  const best = new Map<string, number>();
  const perRound = Math.min(
    recordsPerRound.most,
    Math.ceil((recordsPerRound.bytes * records) / bytes.length),
  );
  for (let round = 0; round < rounds; round += 1)
    for (const [name, decode] of Object.entries(decoders)) {
      const before = process.cpuUsage();
      let decoded = 0;
      while (decoded < perRound) decoded += await decode(bytes);
      const { user, system } = process.cpuUsage(before);
      if (decoded % records !== 0) throw new Error(`${name} has decoded ${decoded} records`);
      best.set(name, Math.min(best.get(name) ?? Infinity, (user + system) / decoded));
    }
  return best;
}
