import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import { compressions, pack } from '../../../../core/kafka/records/compressions.ts';
import { decodeRecords, type Decoded, type Fetched } from '../../../../core/kafka/records/decode-records.ts';
import { flags, markerBatch, rawBatch, rawRecord, sized, valuesBatch, varint } from '../fixtures/batches.ts';

t.setTimeout(120_000);

function decode(batches: readonly Buffer[], given: Partial<Fetched> = {}): Promise<Decoded> {
  return decodeRecords({
    ...{
      topic: 'orders',
      partition: 3,
      fetchOffset: 0n,
      abortedTransactions: [],
      maxUnpackedBytes: 1_000_000,
    },
    ...{ bytes: Buffer.concat(batches), ...given },
  });
}

/** Offset and value of each record. */
function seen({ records }: Decoded): string[] {
  return records.map(({ offset, value }) => `${offset} ${String(value)}`);
}

async function packedBatch(
  baseOffset: bigint,
  values: readonly string[],
  attributes: number,
): Promise<Buffer> {
  const records = Buffer.concat(
    values.map((value, delta) => rawRecord({ delta, value: Buffer.from(value) })),
  );
  const name = compressions[attributes & 7];
  const packed = name === undefined ? records : await pack(name, records);
  return rawBatch({ baseOffset, attributes, count: values.length, packed });
}

t.test('batches after one another, up to the half one at the end', async (t) => {
  const batches = [
    valuesBatch(5n, ['a', 'b']),
    valuesBatch(9n, ['c'], { leaderEpoch: 4, maxTimestampMs: 7_000 }),
  ];
  const decoded = await decode([...batches, valuesBatch(10n, ['d']).subarray(0, 50)], { fetchOffset: 4n });
  t.strictSame(seen(decoded), ['5 a', '6 b', '9 c']);
  t.match(decoded, {
    nextOffset: 10n,
    leaderEpoch: 4,
    lastTimestampMs: 7_000,
    unpackedBytes: 0,
    corrupt: undefined,
  });
});

t.test('nothing was sent', async (t) => {
  const decoded = await decode([], { fetchOffset: 4n });
  t.match(decoded, { records: [], nextOffset: 4n, leaderEpoch: undefined, lastTimestampMs: undefined });
  t.equal(decoded.corrupt, undefined);
});

t.test('no more of a batch than its begin is told, not waited for', async (t) => {
  for (const bytes of [5, 30, 62]) {
    const { corrupt, nextOffset } = await decode([valuesBatch(5n, ['a']).subarray(0, bytes)], {
      fetchOffset: 5n,
    });
    t.match(corrupt, { offset: 5n, error: { cause: { message: /longer than what the broker sent/ } } });
    t.equal(nextOffset, 5n);
  }
});

t.test('records below what was asked for, gaps and empty batches are passed over', async (t) => {
  const old = valuesBatch(2n, ['a']);
  const middle = valuesBatch(3n, ['b', 'c'], { lastOffsetDelta: 4 });
  const empty = rawBatch({ baseOffset: 8n, lastOffsetDelta: 9, leaderEpoch: -1 });
  const decoded = await decode([old, middle, empty], { fetchOffset: 4n });
  t.strictSame(seen(decoded), ['4 c']);
  t.match(decoded, { nextOffset: 18n, leaderEpoch: undefined });
});

t.test('every compression, and none', async (t) => {
  for (const [type, name = 'none'] of compressions.entries()) {
    const decoded = await decode([await packedBatch(5n, ['a', 'bb'], type)]);
    t.strictSame(seen(decoded), ['5 a', '6 bb'], name);
    t.equal(decoded.unpackedBytes > 0, type > 0);
  }
  const { corrupt } = await decode([valuesBatch(5n, ['a'], { attributes: 5 })]);
  t.match(corrupt, {
    offset: 5n,
    nextOffset: 6n,
    error: { cause: { message: 'its compression is unknown: 5' } },
  });
  const broken = await decode([valuesBatch(5n, ['a'], { attributes: 3 })]);
  t.match(broken.corrupt?.error.cause, { message: /^compressed with lz4, it cannot be unpacked/ });
});

t.test('the first batch is unpacked whatever it takes, and then as many as there is room for', async (t) => {
  const zeros = (offset: bigint) => packedBatch(offset, ['\0'.repeat(10_000)], 4);
  const batches = [await zeros(0n), await zeros(1n), await zeros(2n), valuesBatch(3n, ['a'])];
  const counts = async (maxUnpackedBytes: number) =>
    (await decode(batches, { maxUnpackedBytes })).records.length;
  t.equal(await counts(0), 1);
  t.equal(await counts(10_020), 1, 'nothing is left');
  t.equal(await counts(15_000), 1, 'too little is left');
  t.equal(await counts(25_000), 2);
  t.equal(await counts(40_000), 4);
  const rest = await decode(batches, { maxUnpackedBytes: 25_000 });
  t.match(rest, { nextOffset: 2n, corrupt: undefined });
  t.ok(rest.unpackedBytes > 20_000 && rest.unpackedBytes < 25_000);
});

t.test(
  'as much is made of records as there is room for, and one at least: the rest comes next',
  async (t) => {
    const values = Array.from({ length: 64 }, (_, index) => String(index).padStart(200));
    const batches = [await packedBatch(0n, values, 4), valuesBatch(64n, ['last'])];
    const count = async (maxRecordBytes: number, fetchOffset = 0n) =>
      (await decode(batches, { maxRecordBytes, fetchOffset })).records.length;
    t.equal(await count(1), 1, 'one');
    t.equal(await count(4_700), 3);
    const part = await decode(batches, { maxRecordBytes: 4_700, fetchOffset: 60n });
    t.match(part, { nextOffset: 63n, corrupt: undefined });
    t.equal(await count(4_700, 63n), 2, 'and a batch after it');
    t.equal(await count(1, 63n), 1, 'or none');
  },
);

t.test('a large batch comes in some sixteen parts, however little room there is', async (t) => {
  const batch = await packedBatch(0n, Array<string>(320).fill('\0'.repeat(102_400)), 4);
  const given = { maxRecordBytes: 1 };
  const both = await Promise.all([decode([batch], given), decode([batch], given)]);
  t.strictSame(
    both.map(({ nextOffset, records }) => [nextOffset, records.length]),
    [
      [19n, 19],
      [19n, 19],
    ],
  );
  let parts = 0;
  for (let fetchOffset = 0n; fetchOffset < 320n; parts += 1)
    fetchOffset = (await decode([batch], { ...given, fetchOffset })).nextOffset;
  t.equal(parts, 17);
});

t.test('a batch that unpacks to more than 256 MiB is an error', async (t) => {
  const packed = await pack('zstd', Buffer.alloc(2 ** 28 + 1));
  const { corrupt } = await decode([rawBatch({ attributes: 4, count: 1, packed })]);
  t.match(corrupt?.error.cause, { message: /unpacks to more than 268435456 bytes/ });
});

t.test('a flipped bit, wherever it is, lets nothing wrong through', async (t) => {
  const [before, batch] = [valuesBatch(3n, ['a']), valuesBatch(4n, ['b', 'c'])];
  for (let bit = 8 * 16; bit < 8 * batch.length; bit++) {
    const flipped = Buffer.from(batch);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const decoded = await decode([before, flipped, valuesBatch(6n, ['d'])]);
    t.strictSame(seen(decoded), ['3 a'], `bit ${bit}`);
    const { offset, nextOffset = 0n } = decoded.corrupt ?? {};
    t.ok(offset === 4n && nextOffset > 4n && nextOffset <= 6n, 'and past nothing that can be read');
  }
});

t.test('a batch of which one record lies is not read at all', async (t) => {
  const lie = sized(Buffer.of(0), varint(0), varint(1), varint(1_000));
  const records = [rawRecord({ value: Buffer.from('b') }), lie];
  const decoded = await decode([valuesBatch(3n, ['a']), rawBatch({ baseOffset: 4n, records })]);
  t.strictSame(seen(decoded), ['3 a']);
  t.match(decoded, { nextOffset: 4n, corrupt: { offset: 4n, nextOffset: 6n } });
  const short = Buffer.concat([valuesBatch(3n, ['a']), valuesBatch(4n, ['b'])]);
  short.writeInt32BE(-20, short.length / 2 + 8);
  t.match(await decode([short]), { nextOffset: 4n, corrupt: { offset: 4n } }, 'a negative length');
});

t.test('an error that nobody expects is no corrupt batch', async (t) => {
  await t.rejects(decode([valuesBatch(3n, ['a'])], { fetchOffset: 3 as unknown as bigint }), TypeError);
});

/** A step of one of some producers: it writes a batch, or ends its transaction. */
const steps = fc.array(
  fc.record({
    producer: fc.integer({ min: 0, max: 3 }),
    does: fc.constantFrom('write', 'write', 'write', 'plain', 'commit', 'abort'),
    count: fc.integer({ min: 1, max: 3 }),
  }),
  { maxLength: 40 },
);

interface Log {
  readonly batches: { readonly bytes: Buffer; readonly next: bigint }[];
  /** In the order in which they end, as brokers tell them. */
  readonly aborted: { readonly producerId: bigint; readonly firstOffset: bigint; readonly last: bigint }[];
  readonly visible: bigint[];
}

function logOf(given: readonly { producer: number; does: string; count: number }[]): Log {
  const log: Log = { batches: [], aborted: [], visible: [] };
  const open = new Map<number, bigint[]>();
  let at = 0n;
  const add = (bytes: Buffer, count: number): bigint[] => {
    const offsets = Array.from({ length: count }, (_, index) => at + BigInt(index));
    at += BigInt(count);
    log.batches.push({ bytes, next: at });
    return offsets;
  };
  const end = (producer: number, type: 'commit' | 'abort'): void => {
    const [producerId, offsets] = [BigInt(producer), open.get(producer)];
    if (offsets === undefined) return;
    open.delete(producer);
    if (type === 'commit') log.visible.push(...offsets);
    else log.aborted.push({ producerId, firstOffset: offsets[0]!, last: at });
    add(markerBatch(at, producerId, type), 1);
  };
  for (const { producer, does, count } of given) {
    const values = Array.from({ length: count }, () => 'x');
    const producerId = BigInt(producer);
    if (does === 'plain') log.visible.push(...add(valuesBatch(at, values, { producerId }), count));
    else if (does === 'write') {
      const bytes = valuesBatch(at, values, { producerId, attributes: flags.transactional });
      open.set(producer, [...(open.get(producer) ?? []), ...add(bytes, count)]);
    } else end(producer, does as 'commit' | 'abort');
  }
  for (const producer of [...open.keys()]) end(producer, producer % 2 === 0 ? 'commit' : 'abort');
  return log;
}

t.test(
  'of whatever transactions overlap, the committed records are read, wherever a fetch begins',
  async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(60), fc.integer({ min: 1, max: 30 }), async (given, from, count) => {
        const { batches, aborted, visible } = logOf(given);
        const fetchOffset = BigInt(from);
        const sent = batches.filter(({ next }) => next > fetchOffset).slice(0, count);
        const until = sent.at(-1)?.next ?? fetchOffset;
        const abortedTransactions = aborted.filter(
          ({ firstOffset, last }) => firstOffset < until && last >= fetchOffset,
        );
        const decoded = await decode(
          sent.map(({ bytes }) => bytes),
          { fetchOffset, abortedTransactions },
        );
        const expected = visible.filter((offset) => offset >= fetchOffset && offset < until);
        const read = decoded.records.map(({ offset }) => offset);
        return decoded.nextOffset === until && read.join() === expected.sort((a, b) => Number(a - b)).join();
      }),
      { numRuns: 1_000 },
    );
  },
);

t.test('what is no abort marker ends no aborted transaction', async (t) => {
  const transactional = { producerId: 7n, attributes: flags.transactional };
  const abortedTransactions = [{ producerId: 7n, firstOffset: 0n }];
  const odd = rawBatch({ baseOffset: 1n, producerId: 7n, attributes: flags.control });
  const batches = [valuesBatch(0n, ['a'], transactional), odd, valuesBatch(2n, ['b'], transactional)];
  const decoded = await decode(
    [...batches, markerBatch(3n, 7n, 'abort'), valuesBatch(4n, ['c'], transactional)],
    {
      abortedTransactions,
    },
  );
  t.strictSame(seen(decoded), ['4 c']);
});

t.test(
  'a million records of one batch are read in parts, each once, and others have their turn meanwhile',
  async (t) => {
    const count = 1_000_000;
    const record = rawRecord({ delta: 1_000 });
    const packed = Buffer.alloc(count * (record.length + 1));
    let size = 0;
    for (let delta = 0; delta < count; delta++) size += rawRecord({ delta }).copy(packed, size);
    const bytes = rawBatch({ count, lastOffsetDelta: count - 1, packed: packed.subarray(0, size) });
    let [next, calls, turns, isOver] = [0n, 0, 0, false];
    const others = (async () => {
      for (; !isOver; turns++) await turn();
    })();
    for (; next < BigInt(count); calls++) {
      const { records, nextOffset } = await decode([bytes], { fetchOffset: next });
      for (const { offset } of records) if (offset !== next++) t.fail(`${offset} is out of its place`);
      t.equal(nextOffset, next);
      t.ok(records.length < 260_000, 'their objects have a bound');
    }
    isOver = true;
    await others;
    t.ok(turns > count / 5_000);
    t.equal(calls, 4);
  },
);

t.test('of many batches, too, so many records are made and no more', async (t) => {
  const headers = Array.from({ length: 90_000 }, () => [Buffer.of(), null] as const);
  const batches = [0n, 1n, 2n, 3n].map((baseOffset) =>
    rawBatch({ baseOffset, records: [rawRecord({ headers })] }),
  );
  t.match(await decode(batches), { nextOffset: 3n, corrupt: undefined });
});

t.test('a large batch is summed up in slices', async (t) => {
  const value = 'x'.repeat(3 << 20);
  const decoded = await decode([valuesBatch(0n, [value])]);
  t.equal(decoded.records[0]?.value?.length, value.length);
});
