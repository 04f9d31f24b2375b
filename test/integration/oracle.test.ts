// The oracle can fail: every fault that it is for, it finds in made-up evidence.
import t from 'tap';
import { judge, type Evidence, type LoggedRecord, type Receipt } from '../fixtures/oracle-verdict.ts';

function record(offset: number, rest: Partial<LoggedRecord> = {}): LoggedRecord {
  const value = Buffer.from(`v${offset}`);
  return {
    partition: 0,
    offset: BigInt(offset),
    id: `r${offset}`,
    key: null,
    value,
    headers: {},
    timestampMs: 0,
    ...rest,
  };
}

/** Received at `ms`, and accepted one later. */
function receipt(offset: number, ms: number, rest: Partial<Receipt> = {}): Receipt {
  const times = { receivedMs: ms, acceptedMs: ms + 1, endedMs: ms + 1 };
  return {
    partition: 0,
    offset: BigInt(offset),
    id: `r${offset}`,
    attempt: 1,
    request: ms,
    ...times,
    ...rest,
  };
}

/** A dead letter of the record at `offset`, stored at `ms`. */
function letter(offset: number, ms: number, rest: Partial<LoggedRecord> = {}): LoggedRecord {
  const facts = {
    partition: '0',
    offset: String(offset),
    trigger: 'a/b',
    topic: 't',
    reason: 'rejected',
    attempts: '1',
  };
  const headers = Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [`millrace-${name}`, Buffer.from(value)]),
  );
  return record(offset, { headers, timestampMs: ms, ...rest });
}

const sound: Evidence = {
  log: [record(0), record(1), record(2)],
  acknowledged: new Set(['r0', 'r1', 'r2']),
  receipts: [receipt(0, 10), receipt(1, 20), receipt(2, 30)],
  samples: [
    { partition: 0, offset: 0n, atMs: 5 },
    { partition: 0, offset: 2n, atMs: 21 },
  ],
  deadLetters: [],
  starts: new Map(),
  ordering: 'partition',
  isFiltered: () => false,
  crashes: false,
};

t.test('sound evidence', async (t) => {
  t.strictSame(judge(sound).problems, []);
  t.strictSame(judge(sound).duplicates, []);
  t.strictSame(
    judge({ ...sound, isFiltered: ({ id }) => id === 'r1', receipts: [receipt(0, 10), receipt(2, 30)] })
      .problems,
    [],
  );
  const buried = { ...sound, receipts: [receipt(0, 10), receipt(2, 30)], deadLetters: [letter(1, 20)] };
  t.strictSame(judge(buried).problems, []);
  t.strictSame(
    judge({ ...sound, receipts: sound.receipts.slice(1), starts: new Map([[0, 1n]]) }).problems,
    [],
  );
});

const faults: Record<string, [Partial<Evidence>, RegExp]> = {
  lost: [{ receipts: [receipt(0, 10), receipt(2, 30)], samples: [] }, /^lost.*0@1/],
  'not accepted': [
    {
      receipts: [receipt(0, 10), receipt(1, 20, { acceptedMs: undefined as never }), receipt(2, 30)],
      samples: [],
    },
    /^lost.*0@1/,
  ],
  'acknowledged and gone': [{ acknowledged: new Set(['r9']) }, /not in Kafka.*r9/],
  invented: [{ receipts: [...sound.receipts, receipt(7, 40)] }, /not what the log has.*0@7/],
  swapped: [{ receipts: [receipt(0, 10, { id: 'r1' }), ...sound.receipts.slice(1)] }, /not what the log has/],
  'out of order': [
    { receipts: [receipt(1, 10), receipt(0, 20), receipt(2, 30)], samples: [] },
    /lane 0 went back.*0@0/,
  ],
  'side by side': [
    { receipts: [receipt(0, 10, { acceptedMs: 25 }), receipt(1, 20), receipt(2, 30)], samples: [] },
    /before the last was answered.*0@1/,
  ],
  'committed too early': [{ samples: [{ partition: 0, offset: 2n, atMs: 20 }] }, /committed ahead.*0@2/],
  'filtered and sent': [{ isFiltered: ({ id }) => id === 'r1' }, /filtered, and sent.*0@1/],
  'dead-lettered and delivered': [{ deadLetters: [letter(1, 20)] }, /and delivered.*0@1/],
  'dead-lettered twice': [
    { receipts: [receipt(0, 10), receipt(2, 30)], deadLetters: [letter(1, 20), letter(1, 21)] },
    /dead-lettered twice/,
  ],
  'dead letter without its bytes': [
    { receipts: [receipt(0, 10), receipt(2, 30)], deadLetters: [letter(1, 20, { value: null })] },
    /not their records.*0@1/,
  ],
};

for (const [name, [fault, problem]] of Object.entries(faults)) {
  t.test(name, async (t) => {
    t.match(judge({ ...sound, ...fault }).problems, [problem]);
  });
}

t.test('duplicates', async (t) => {
  const again = receipt(2, 40, { attempt: 2 });
  t.strictSame(judge({ ...sound, receipts: [...sound.receipts, again] }).duplicates, [again]);
  const replayed = [...sound.receipts, receipt(1, 40), receipt(2, 50)];
  t.match(judge({ ...sound, receipts: replayed }).problems, [/went back/]);
  t.strictSame(
    judge({ ...sound, receipts: replayed, crashes: true }).problems,
    [],
    'after a crash, that may be',
  );
  t.equal(judge({ ...sound, receipts: replayed, crashes: true }).duplicates.length, 2);
});

t.test('batches: those that failed together come again together', async (t) => {
  const failed = { acceptedMs: undefined as never, request: 1 };
  const together = [receipt(0, 10, failed), receipt(1, 10, failed), receipt(2, 10, failed)];
  const again = [
    receipt(0, 20, { request: 2 }),
    receipt(1, 20, { request: 2 }),
    receipt(2, 20, { request: 2 }),
  ];
  t.strictSame(judge({ ...sound, samples: [], receipts: [...together, ...again] }).problems, []);
  const passed = [...together.slice(0, 2), receipt(2, 10, { request: 1 }), ...again.slice(0, 2)];
  t.match(judge({ ...sound, samples: [], receipts: passed }).problems, [/went back.*0@0, 0@1/]);
});
