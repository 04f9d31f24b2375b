// The oracle can fail: it finds each kind of fault in made-up evidence.
import t from 'tap';
import { encodeMark } from '../../core/contract/marks/progress-mark.ts';
import type { Evidence, Exposure, LoggedRecord, Receipt } from '../fixtures/oracle/oracle-evidence.ts';
import { evaluate } from '../fixtures/oracle/oracle-verdict.ts';

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

/** Received at `ms` and accepted 1 ms later. */
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

t.test('the oracle finds no problem in sound evidence', async (t) => {
  t.strictSame(evaluate(sound).problems, []);
  t.strictSame(evaluate(sound).duplicates, []);
  t.strictSame(
    evaluate({ ...sound, isFiltered: ({ id }) => id === 'r1', receipts: [receipt(0, 10), receipt(2, 30)] })
      .problems,
    [],
  );
  const deadLettered = { ...sound, receipts: [receipt(0, 10), receipt(2, 30)], deadLetters: [letter(1, 20)] };
  t.strictSame(evaluate(deadLettered).problems, []);
  t.strictSame(
    evaluate({ ...sound, receipts: sound.receipts.slice(1), starts: new Map([[0, 1n]]) }).problems,
    [],
  );
});

const faults: Record<string, [Partial<Evidence>, RegExp]> = {
  'a lost record': [{ receipts: [receipt(0, 10), receipt(2, 30)], samples: [] }, /^lost.*0@1/],
  'a record that no function accepted': [
    {
      receipts: [receipt(0, 10), receipt(1, 20, { acceptedMs: undefined as never }), receipt(2, 30)],
      samples: [],
    },
    /^lost.*0@1/,
  ],
  'an acknowledged record that is gone': [{ acknowledged: new Set(['r9']) }, /not in Kafka.*r9/],
  'a receipt without a record': [
    { receipts: [...sound.receipts, receipt(7, 40)] },
    /not what the log has.*0@7/,
  ],
  'a receipt of another record': [
    { receipts: [receipt(0, 10, { id: 'r1' }), ...sound.receipts.slice(1)] },
    /not what the log has/,
  ],
  'a lane out of order': [
    { receipts: [receipt(1, 10), receipt(0, 20), receipt(2, 30)], samples: [] },
    /lane 0 went back.*0@0/,
  ],
  'two requests of a lane at once': [
    { receipts: [receipt(0, 10, { acceptedMs: 25 }), receipt(1, 20), receipt(2, 30)], samples: [] },
    /before the last request was answered.*0@1/,
  ],
  'a partition that stood still': [
    {
      demands: [{ why: 'another hung', partitions: new Set([0]), fromMs: 5, toMs: 32, limitMs: 11 }],
      receipts: [receipt(0, 10), receipt(1, 20), receipt(2, 40)],
    },
    /stood still while another hung.*0@2 for 12 ms/,
  ],
  'a commit ahead of settlement': [
    { samples: [{ partition: 0, offset: 2n, atMs: 20 }] },
    /committed ahead.*0@2 with 0@1/,
  ],
  'a progress mark ahead of settlement': [
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
  'a filtered record that was sent': [{ isFiltered: ({ id }) => id === 'r1' }, /filtered, and sent.*0@1/],
  'a record both dead-lettered and delivered': [{ deadLetters: [letter(1, 20)] }, /and delivered.*0@1/],
  'a record dead-lettered twice': [
    { receipts: [receipt(0, 10), receipt(2, 30)], deadLetters: [letter(1, 20), letter(1, 21)] },
    /dead-lettered twice/,
  ],
  'a dead letter without the bytes of its record': [
    { receipts: [receipt(0, 10), receipt(2, 30)], deadLetters: [letter(1, 20, { value: null })] },
    /not their records.*0@1/,
  ],
};

for (const [name, [fault, problem]] of Object.entries(faults)) {
  t.test(`the oracle finds: ${name}`, async (t) => {
    t.match(evaluate({ ...sound, ...fault }).problems, [problem]);
  });
}

t.test('a partition that is owed nothing may stand still', async (t) => {
  const log = [record(0), record(1), record(2, { timestampMs: 31 })];
  const demands = [{ why: 'another hung', partitions: new Set([0]), fromMs: 5, toMs: 45, limitMs: 11 }];
  const receipts = [receipt(0, 10), receipt(1, 20), receipt(2, 40)];
  t.strictSame(evaluate({ ...sound, log, receipts, demands }).problems, []);
});

const crash: Exposure = { why: 'killed', fromMs: 20, toMs: 35 };

/** The group has committed nothing, so nothing is known to be settled. */
const uncommitted = { ...sound, samples: [] };

t.test('duplicates are excused only within an exposure', async (t) => {
  const again = receipt(2, 40, { attempt: 2 });
  const once = evaluate({ ...uncommitted, receipts: [...sound.receipts, again] });
  t.strictSame(once.duplicates, [again]);
  t.strictSame(once.unexplained, [again]);
  const replayed = [...sound.receipts, receipt(1, 1_040), receipt(2, 1_050)];
  t.match(evaluate({ ...uncommitted, receipts: replayed }).problems, [/went back/]);

  const crashed = evaluate({ ...uncommitted, receipts: replayed, exposures: [crash] });
  t.strictSame(crashed.problems, [], 'allowed after a crash');
  t.equal(crashed.duplicates.length, 2);
  t.strictSame(crashed.unexplained, []);
  t.equal(crashed.exposed, 2);

  const early = evaluate({
    ...uncommitted,
    receipts: [...sound.receipts, receipt(0, 1_040)],
    exposures: [crash],
  });
  t.match(early.problems, [/went back.*0@0/], 'settled long before the crash');
  t.equal(early.unexplained.length, 1);
  const thrice = evaluate({ ...uncommitted, receipts: [...replayed, receipt(2, 1_060)], exposures: [crash] });
  t.equal(thrice.unexplained.length, 1, 'excused once only');
});

t.test('duplicates are excused only for the gateway that crashed', async (t) => {
  const from = (via: string): Receipt[] => sound.receipts.map((one) => ({ ...one, via }));
  const again = receipt(2, 40, { via: 'other' });
  const exposures = [{ ...crash, gateway: 'gateway-1' }];
  t.equal(evaluate({ ...sound, receipts: [...from('gateway-1'), again], exposures }).unexplained.length, 0);
  t.equal(evaluate({ ...sound, receipts: [...from('gateway-2'), again], exposures }).unexplained.length, 1);
});

t.test('duplicates are not excused once the group has committed the record', async (t) => {
  const exposures: Exposure[] = [{ why: 'cut off', gateway: 'gateway-1', fromMs: 0, toMs: 500 }];
  const first = [receipt(0, 10), receipt(1, 20)].map((one) => ({ ...one, via: 'gateway-1' }));
  const again = { ...receipt(1, 100), via: 'gateway-2' };
  const unexplained = (samples: Evidence['samples'], ...rest: Receipt[]): number =>
    evaluate({ ...sound, acknowledged: new Set(), receipts: [...first, again, ...rest], samples, exposures })
      .unexplained.length;
  const sample = (atMs: number, offset: bigint, metadata = ''): Evidence['samples'][number] => ({
    partition: 0,
    atMs,
    offset,
    metadata,
  });
  const mark = encodeMark(0n, { open: [0n], end: 2n, attempts: new Map(), partitions: undefined });
  t.equal(unexplained([sample(50, 0n)]), 0);
  t.equal(unexplained([sample(50, 1n)]), 0, 'this record is not committed');
  t.equal(unexplained([sample(50, 2n)]), 1);
  t.equal(unexplained([sample(50, 0n, mark)]), 1, 'in the progress mark');
  t.equal(unexplained([sample(150, 2n)]), 0, 'committed too late');
  t.equal(unexplained([sample(150, 2n)], { ...receipt(1, 200), via: 'gateway-2' }), 1, 'excused once only');
  const tried = { ...receipt(1, 90, { acceptedMs: undefined as never }), via: 'gateway-2' };
  t.equal(
    evaluate({ ...sound, receipts: [...first, tried, again], samples: [sample(95, 2n)], exposures })
      .unexplained.length,
    0,
    'open again, and retried',
  );
});

t.test('duplicates are excused after an answer that may not have arrived', async (t) => {
  const doubtful = receipt(2, 30, { doubt: 'cut' });
  const receipts = [...sound.receipts.slice(0, 2), doubtful, receipt(2, 40)];
  const verdict = evaluate({ ...sound, receipts });
  t.equal(verdict.duplicates.length, 1);
  t.equal(verdict.exposed, 1);
  t.strictSame(verdict.unexplained, []);
  t.strictSame(verdict.problems, []);
  const thrice = evaluate({ ...sound, receipts: [...receipts, receipt(2, 50)] });
  t.equal(thrice.unexplained.length, 1, 'the second answer arrived');
  const late = [
    receipt(0, 10, { acceptedMs: 25, doubt: 'late' }),
    receipt(0, 15),
    ...sound.receipts.slice(1),
  ];
  t.strictSame(evaluate({ ...sound, receipts: late }).problems, [], 'the gateway no longer waited for it');
});

t.test(
  'a request that the gateway had given up is no redelivery when the function reads it late',
  async (t) => {
    const late = receipt(1, 40, { doubt: 'closed by the client' });
    const receipts = [...sound.receipts, late];
    t.match(evaluate({ ...sound, receipts }).problems, [/went back/]);
    const verdict = evaluate({ ...sound, receipts: [...sound.receipts, { ...late, isLate: true }] });
    t.strictSame([verdict.problems, verdict.duplicates], [[], []]);
  },
);

t.test('repeated dead letters are excused only by a crash or by Kafka', async (t) => {
  const receipts = [receipt(0, 10), receipt(1, 20, { acceptedMs: undefined as never }), receipt(2, 30)];
  const deadLetters = [letter(1, 25), letter(1, 45)];
  const twice = { ...sound, receipts, deadLetters, samples: [] };
  t.match(evaluate(twice).problems, [/dead-lettered twice.*0@1/]);
  t.strictSame(evaluate({ ...twice, exposures: [crash] }).problems, []);
  t.strictSame(evaluate({ ...twice, exposures: [{ ...crash, lettersOnly: true }] }).problems, []);
  t.match(evaluate({ ...twice, exposures: [{ ...crash, fromMs: 30 }] }).problems, [/dead-lettered twice/]);
  const refused = [...receipts, receipt(1, 40, { acceptedMs: undefined as never })];
  t.strictSame(evaluate({ ...twice, receipts: refused, exposures: [crash] }).problems, [], 'refused twice');
});

t.test(
  'a record may be dead-lettered and accepted only if the second could not know of the first',
  async (t) => {
    const deadLettered = { ...sound, samples: [], deadLetters: [letter(1, 25)] };
    t.match(evaluate(deadLettered).problems, [/dead-lettered, and delivered/]);
    const doubtful = [receipt(0, 10), receipt(1, 20, { doubt: 'reset' }), receipt(2, 30)];
    t.strictSame(evaluate({ ...deadLettered, receipts: doubtful }).problems, []);
    t.strictSame(evaluate({ ...deadLettered, exposures: [crash] }).problems, []);
    const later = [receipt(0, 10), receipt(2, 30), receipt(1, 40)];
    t.match(evaluate({ ...deadLettered, receipts: later }).problems, [/and delivered/, /went back/]);
  },
);

t.test('the longest lane pause counts only time with work', async (t) => {
  const log = [record(0), record(1, { timestampMs: 100 }), record(2, { timestampMs: 100 })];
  const receipts = [receipt(0, 10), receipt(1, 110), receipt(2, 150)];
  const verdict = evaluate({ ...sound, log, receipts, samples: [] });
  t.equal(verdict.longestPauseMs, 100);
  t.equal(verdict.longestLanePauseMs, 40, 'there was nothing to do before 100');
  t.equal(evaluate({ ...sound, log, receipts, samples: [], ordering: 'none' }).longestLanePauseMs, 40);
  t.equal(evaluate({ ...sound, log, receipts, samples: [], ordering: 'key' }).longestLanePauseMs, 0);
});

t.test('records of a batch that failed together may be delivered again together', async (t) => {
  const failed = { acceptedMs: undefined as never, request: 1 };
  const together = [receipt(0, 10, failed), receipt(1, 10, failed), receipt(2, 10, failed)];
  const again = [
    receipt(0, 20, { request: 2 }),
    receipt(1, 20, { request: 2 }),
    receipt(2, 20, { request: 2 }),
  ];
  t.strictSame(evaluate({ ...sound, samples: [], receipts: [...together, ...again] }).problems, []);
  const passed = [...together.slice(0, 2), receipt(2, 10, { request: 1 }), ...again.slice(0, 2)];
  t.match(evaluate({ ...sound, samples: [], receipts: passed }).problems, [/went back.*0@0, 0@1/]);
});
