// The oracle can fail: every fault that it is for, it finds in made-up evidence.
import t from 'tap';
import { encodeMark } from '../../core/contract/progress-mark.ts';
import type { Evidence, Exposure, LoggedRecord, Receipt } from '../fixtures/oracle/oracle-evidence.ts';
import { judge } from '../fixtures/oracle/oracle-verdict.ts';

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
  exposures: [],
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
  'committed too early': [
    { samples: [{ partition: 0, offset: 2n, atMs: 20 }] },
    /committed ahead.*0@2 with 0@1/,
  ],
  'marked as settled too early': [
    {
      samples: [
        {
          partition: 0,
          offset: 0n,
          atMs: 25,
          metadata: encodeMark(0n, { open: [0n], end: 3n, attempts: new Map(), partitions: undefined }),
        },
      ],
    },
    /committed ahead.*0@0 with 0@2/,
  ],
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

const crash: Exposure = { why: 'killed', fromMs: 20, toMs: 35 };

/** The group was told nothing, so nothing is known to be settled. */
const uncommitted = { ...sound, samples: [] };

t.test('duplicates: only what was exposed', async (t) => {
  const again = receipt(2, 40, { attempt: 2 });
  const once = judge({ ...uncommitted, receipts: [...sound.receipts, again] });
  t.strictSame(once.duplicates, [again]);
  t.strictSame(once.unexplained, [again]);
  const replayed = [...sound.receipts, receipt(1, 1_040), receipt(2, 1_050)];
  t.match(judge({ ...uncommitted, receipts: replayed }).problems, [/went back/]);

  const crashed = judge({ ...uncommitted, receipts: replayed, exposures: [crash] });
  t.strictSame(crashed.problems, [], 'after a crash, that may be');
  t.equal(crashed.duplicates.length, 2);
  t.strictSame(crashed.unexplained, []);
  t.equal(crashed.exposed, 2);

  const early = judge({
    ...uncommitted,
    receipts: [...sound.receipts, receipt(0, 1_040)],
    exposures: [crash],
  });
  t.match(early.problems, [/went back.*0@0/], 'that was over long before');
  t.equal(early.unexplained.length, 1);
  const thrice = judge({ ...uncommitted, receipts: [...replayed, receipt(2, 1_060)], exposures: [crash] });
  t.equal(thrice.unexplained.length, 1, 'once, and not again');
});

t.test('duplicates: of the gateway that crashed', async (t) => {
  const from = (via: string): Receipt[] => sound.receipts.map((one) => ({ ...one, via }));
  const again = receipt(2, 40, { via: 'other' });
  const exposures = [{ ...crash, gateway: 'gateway-1' }];
  t.equal(judge({ ...sound, receipts: [...from('gateway-1'), again], exposures }).unexplained.length, 0);
  t.equal(judge({ ...sound, receipts: [...from('gateway-2'), again], exposures }).unexplained.length, 1);
});

t.test('duplicates: not of what the group was told', async (t) => {
  const exposures: Exposure[] = [{ why: 'cut off', gateway: 'gateway-1', fromMs: 0, toMs: 500 }];
  const first = [receipt(0, 10), receipt(1, 20)].map((one) => ({ ...one, via: 'gateway-1' }));
  const again = { ...receipt(1, 100), via: 'gateway-2' };
  const unexplained = (samples: Evidence['samples'], ...rest: Receipt[]): number =>
    judge({ ...sound, acknowledged: new Set(), receipts: [...first, again, ...rest], samples, exposures })
      .unexplained.length;
  const sample = (atMs: number, offset: bigint, metadata = ''): Evidence['samples'][number] => ({
    partition: 0,
    atMs,
    offset,
    metadata,
  });
  const mark = encodeMark(0n, { open: [0n], end: 2n, attempts: new Map(), partitions: undefined });
  t.equal(unexplained([sample(50, 0n)]), 0);
  t.equal(unexplained([sample(50, 1n)]), 0, 'not of this one');
  t.equal(unexplained([sample(50, 2n)]), 1);
  t.equal(unexplained([sample(50, 0n, mark)]), 1, 'in the mark');
  t.equal(unexplained([sample(150, 2n)]), 0, 'too late');
  t.equal(unexplained([sample(150, 2n)], { ...receipt(1, 200), via: 'gateway-2' }), 1, 'not a third time');
  const tried = { ...receipt(1, 90, { acceptedMs: undefined as never }), via: 'gateway-2' };
  t.equal(
    judge({ ...sound, receipts: [...first, tried, again], samples: [sample(95, 2n)], exposures }).unexplained
      .length,
    0,
    'open again, and tried again',
  );
});

t.test('duplicates: after an answer that may not have arrived', async (t) => {
  const doubtful = receipt(2, 30, { doubt: 'cut' });
  const receipts = [...sound.receipts.slice(0, 2), doubtful, receipt(2, 40)];
  const verdict = judge({ ...sound, receipts });
  t.equal(verdict.duplicates.length, 1);
  t.equal(verdict.exposed, 1);
  t.strictSame(verdict.unexplained, []);
  t.strictSame(verdict.problems, []);
  const thrice = judge({ ...sound, receipts: [...receipts, receipt(2, 50)] });
  t.equal(thrice.unexplained.length, 1, 'the second answer did arrive');
  const late = [
    receipt(0, 10, { acceptedMs: 25, doubt: 'late' }),
    receipt(0, 15),
    ...sound.receipts.slice(1),
  ];
  t.strictSame(judge({ ...sound, receipts: late }).problems, [], 'nobody waited for it any more');
});

t.test('dead letters: twice only where a crash or Kafka excuses it', async (t) => {
  const receipts = [receipt(0, 10), receipt(1, 20, { acceptedMs: undefined as never }), receipt(2, 30)];
  const deadLetters = [letter(1, 25), letter(1, 45)];
  const twice = { ...sound, receipts, deadLetters, samples: [] };
  t.match(judge(twice).problems, [/dead-lettered twice.*0@1/]);
  t.strictSame(judge({ ...twice, exposures: [crash] }).problems, []);
  t.strictSame(judge({ ...twice, exposures: [{ ...crash, lettersOnly: true }] }).problems, []);
  t.match(judge({ ...twice, exposures: [{ ...crash, fromMs: 30 }] }).problems, [/dead-lettered twice/]);
  const refused = [...receipts, receipt(1, 40, { acceptedMs: undefined as never })];
  t.strictSame(judge({ ...twice, receipts: refused, exposures: [crash] }).problems, [], 'refused twice');
});

t.test('dead-lettered and accepted: only where the one could not be known to the other', async (t) => {
  const buried = { ...sound, samples: [], deadLetters: [letter(1, 25)] };
  t.match(judge(buried).problems, [/dead-lettered, and delivered/]);
  const doubtful = [receipt(0, 10), receipt(1, 20, { doubt: 'reset' }), receipt(2, 30)];
  t.strictSame(judge({ ...buried, receipts: doubtful }).problems, []);
  t.strictSame(judge({ ...buried, exposures: [crash] }).problems, []);
  const later = [receipt(0, 10), receipt(2, 30), receipt(1, 40)];
  t.match(judge({ ...buried, receipts: later }).problems, [/and delivered/, /went back/]);
});

t.test('pauses: of a lane that had work', async (t) => {
  const log = [record(0), record(1, { timestampMs: 100 }), record(2, { timestampMs: 100 })];
  const receipts = [receipt(0, 10), receipt(1, 110), receipt(2, 150)];
  const verdict = judge({ ...sound, log, receipts, samples: [] });
  t.equal(verdict.longestPauseMs, 100);
  t.equal(verdict.longestLanePauseMs, 40, 'there was nothing to do before 100');
  t.equal(judge({ ...sound, log, receipts, samples: [], ordering: 'none' }).longestLanePauseMs, 40);
  t.equal(judge({ ...sound, log, receipts, samples: [], ordering: 'key' }).longestLanePauseMs, 0);
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
