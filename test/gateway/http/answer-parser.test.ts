import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { AnswerParser, limits, type Progress } from '../../../gateway/http/answer-parser.ts';
import type { AnswerHead } from '../../../gateway/http/answer-head.ts';

/** Everything that a parser says about an answer. */
interface Reading {
  readonly progress: Progress;
  readonly head: AnswerHead | undefined;
  readonly body: string;
  readonly isReusable: boolean;
}

/** A parser, and what it reports of the answer that it reads now. */
function useParser() {
  const heads: AnswerHead[] = [];
  const body: Buffer[] = [];
  const parser = new AnswerParser({
    onHead: (head) => void heads.push(head),
    onBody: (bytes) => void body.push(Buffer.from(bytes)),
  });
  /** Resets, and reads the pieces: all of them, or up to the end of the answer. */
  const read = (...pieces: readonly string[]): Reading => {
    parser.reset();
    heads.length = body.length = 0;
    let progress: Progress = 'open';
    for (const piece of pieces) if (progress === 'open') progress = parser.read(Buffer.from(piece, 'latin1'));
    return {
      progress,
      head: heads[0],
      body: Buffer.concat(body).toString('latin1'),
      isReusable: parser.isReusable,
    };
  };
  return { parser, read };
}

const read = (...pieces: readonly string[]): Reading => useParser().read(...pieces);

const ok = 'HTTP/1.1 200 OK\r\n';
const chunked = `${ok}transfer-encoding: chunked\r\n\r\n`;
const status = (line: string): string => `${line}\r\ncontent-length: 0\r\n\r\n`;
const field = (line: string): string => `${ok}${line}\r\ncontent-length: 0\r\n\r\n`;
const length = (value: string): string => `${ok}content-length:${value}\r\n\r\nhello`;
const second = `${ok}content-length: 0\r\n\r\n`;

type Expected = readonly [answer: string, body: string, after: 'reusable' | 'not reusable', status?: number];

const whole: Readonly<Record<string, readonly Expected[]>> = {
  'the length is announced': [
    [length(' 5'), 'hello', 'reusable'],
    [length('5'), 'hello', 'reusable'],
    [length(' \t5 \t'), 'hello', 'reusable'],
    [length(' 005'), 'hello', 'reusable'],
    [length(' 5\r\ncontent-length: 5'), 'hello', 'reusable'],
    [length(' 5, 5'), 'hello', 'reusable'],
    [length('\r\n 5'), 'hello', 'reusable'],
    [`${ok}content-length: 0\r\n\r\n`, '', 'reusable'],
  ],
  'there is no body, whatever is announced': [
    ['HTTP/1.1 204 No Content\r\n\r\n', '', 'reusable', 204],
    ['HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n', '', 'reusable', 204],
    ['HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n', '', 'not reusable', 204],
    ['HTTP/1.1 204 No Content\r\ncontent-length: x\r\n\r\n', '', 'not reusable', 204],
    ['HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n', '', 'not reusable', 204],
    ['HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n', '', 'reusable', 205],
    ['HTTP/1.1 205 Reset Content\r\n\r\n', '', 'not reusable', 205],
    ['HTTP/1.1 205 Reset Content\r\ncontent-length: 2\r\n\r\nab', '', 'not reusable', 205],
    ['HTTP/1.1 304 Not Modified\r\n\r\n', '', 'reusable', 304],
    ['HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\n', '', 'reusable', 304],
    ['HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n', '', 'not reusable', 304],
    ['HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n', '', 'not reusable', 101],
  ],
  'the body comes in chunks': [
    [`${chunked}0\r\n\r\n`, '', 'reusable'],
    [`${chunked}5\r\nhello\r\n0\r\n\r\n`, 'hello', 'reusable'],
    [`${chunked}a\r\n0123456789\r\nB\r\n0123456789a\r\n00\r\n\r\n`, '01234567890123456789a', 'reusable'],
    [`${chunked}0000000000005\r\nhello\r\n0000000000000\r\n\r\n`, 'hello', 'reusable'],
    [`${chunked}5;a=b;c="d e"\r\nhello\r\n0;x\r\n\r\n`, 'hello', 'reusable'],
    [`${chunked}5 \t\r\nhello\r\n0 ;x\r\n\r\n`, 'hello', 'reusable'],
    [`${chunked}2\r\n\r\n\r\n0\r\n\r\n`, '\r\n', 'reusable'],
    [`${chunked}0\r\nx-sum: 1\r\n folded\r\ncontent-length: 7\r\n\r\n`, '', 'reusable'],
    [`${ok}Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n`, '', 'reusable'],
  ],
  'the connection stays, or does not': [
    [status('HTTP/1.0 200 OK'), '', 'not reusable'],
    [status('HTTP/1.0 200 OK\r\nconnection: keep-alive'), '', 'reusable'],
    [status('HTTP/1.0 200 OK\r\nconnection: keep-alive, close'), '', 'not reusable'],
    [field('connection: close'), '', 'not reusable'],
    [field('Connection: x, CLOSE'), '', 'not reusable'],
    [field('connection: x\r\nconnection: close'), '', 'not reusable'],
    [field('connection: x, , closed'), '', 'reusable'],
  ],
  'the status line': [
    [status('HTTP/1.1 200 '), '', 'reusable'],
    [status('HTTP/1.1 200'), '', 'reusable'],
    [status('HTTP/1.1 200 Tout \xe0 fait\t!'), '', 'reusable'],
    [status('HTTP/1.9 299 OK'), '', 'reusable', 299],
    [status('HTTP/1.1 999 ?'), '', 'reusable', 999],
  ],
  'interim answers': [
    [`HTTP/1.1 100 Continue\r\n\r\n${status('HTTP/1.1 201 Created')}`, '', 'reusable', 201],
    [
      `HTTP/1.1 102 Processing\r\ncontent-length: 9\r\n\r\n${status('HTTP/1.1 201 Created')}`,
      '',
      'reusable',
      201,
    ],
    [`${'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(16)}${length(' 5')}`, 'hello', 'reusable'],
  ],
  'bytes behind the answer': [
    [`${length(' 5')}!`, 'hello', 'not reusable'],
    [`${length(' 5')}${second}`, 'hello', 'not reusable'],
    [`${chunked}5\r\nhello\r\n0\r\n\r\n${second}`, 'hello', 'not reusable'],
    [`HTTP/1.1 204 No Content\r\n\r\n${second}`, '', 'not reusable', 204],
    [`HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\nab`, '', 'not reusable', 304],
    [`${second}\r\n`, '', 'not reusable'],
  ],
};

for (const [name, answers] of Object.entries(whole)) {
  t.test(`whole: ${name}`, async (t) => {
    for (const [answer, body, after, code = 200] of answers) {
      const { head, ...rest } = read(answer);
      t.strictSame(
        rest,
        { progress: 'whole', body, isReusable: after === 'reusable' },
        JSON.stringify(answer),
      );
      t.equal(head?.status, code);
    }
  });
}

type Refused = readonly [answer: string, malformed: string | RegExp];

const refusedHeads: Readonly<Record<string, readonly Refused[]>> = {
  'what is not a status line': [
    ['SSH-2.0-OpenSSH_9.6\r\n\r\n', '"SSH-2.0-OpenSSH_9.6" is not a status line of HTTP/1.1'],
    [`\r\n${second}`, '"" is not a status line of HTTP/1.1'],
    ...[
      'HTTP/2.0 200 OK',
      'HTTP/0.9 200 OK',
      'HTTP/1.10 200 OK',
      'HTTP/1. 200 OK',
      'http/1.1 200 OK',
      ' HTTP/1.1 200 OK',
      'HTTP/1.1  200 OK',
      'HTTP/1.1\t200 OK',
      'HTTP/1.1 200OK',
      'HTTP/1.1 20 OK',
      'HTTP/1.1 2000 OK',
      'HTTP/1.1 099 OK',
      'HTTP/1.1 +20 OK',
      'HTTP/1.1 200 O\0K',
      'HTTP/1.1 200 O\rK',
      'HTTP/1.1 200 O\x7fK',
      'HTTP/1.1',
      'GET / HTTP/1.1',
    ].map((line): Refused => [status(line), /is not a status line of HTTP\/1\.1$/]),
  ],
  'what is not a header': [
    [field('no colon'), '"no colon" is not a header'],
    [field('a : b'), '"a : b" is not a header'],
    [field('a\t: b'), '"a\\t: b" is not a header'],
    [field(': b'), '": b" is not a header'],
    [field('a b: c'), '"a b: c" is not a header'],
    [field('a(: c'), '"a(: c" is not a header'],
    [field('\xe9: b'), '"é: b" is not a header'],
    [field(' a: b'), '" a: b" continues nothing'],
    [field('\t'), '"\\t" continues nothing'],
    [field('a: b\0c'), '"a: b\\u0000c" has a control character'],
    [field('a: b\rc'), '"a: b\\rc" has a control character'],
    [field('a: b\r'), '"a: b\\r" has a control character'],
    [field('a: b\r\n \x01'), '" \\u0001" has a control character'],
    [field('a\0: b'), '"a\\u0000: b" has a control character'],
    [field(`a: b\x7f${'c'.repeat(100)}`), `"a: b\x7f${'c'.repeat(75)}…" has a control character`],
    [`HTTP/1.1 103 Early Hints\r\nno colon\r\n\r\n${second}`, '"no colon" is not a header'],
  ],
  'lines that end in another way': [
    [`HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n`, 'a line ends without a carriage return'],
    [field('a: b\nc: d'), 'a line ends without a carriage return'],
    [`${ok}content-length: 0\r\n\n`, 'a line ends without a carriage return'],
    ['\n', 'a line ends without a carriage return'],
  ],
  'interim answers without end': [
    [`${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(17)}${second}`, 'more than 16 interim answers'],
  ],
};

for (const [name, answers] of Object.entries(refusedHeads)) {
  t.test(`malformed: ${name}`, async (t) => {
    for (const [answer, malformed] of answers)
      t.match(
        { ...read(answer) },
        { progress: { malformed }, head: undefined, isReusable: false },
        JSON.stringify(answer),
      );
  });
}

const refusedBodies: Readonly<Record<string, readonly Refused[]>> = {
  'a length that can be read in two ways': [
    ...['+5', '-5', '5 5', '1e3', '0x5', '5.0', '5;', '', ',', '9007199254740992', `1${'0'.repeat(400)}`].map(
      (value): Refused => [length(` ${value}`), /^content-length is "/],
    ),
    [length(' 5\r\ncontent-length: 6'), 'content-length is "5, 6"'],
    [length(' 5, 05'), 'content-length is "5, 05"'],
    [length(' 5\r\n 5'), 'content-length is "5 5"'],
    [length(' 5\r\ntransfer-encoding: chunked'), 'it has both content-length and transfer-encoding'],
  ],
  'a coding that nobody asked for': [
    ...['gzip, chunked', 'chunked, gzip', 'chunked, chunked', 'identity', 'gzip', 'xchunked', ''].map(
      (value): Refused => [
        `${ok}transfer-encoding: ${value}\r\n\r\n0\r\n\r\n`,
        `nobody asked for transfer-encoding "${value}"`,
      ],
    ),
    [
      `${ok}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      'nobody asked for transfer-encoding "chunked, chunked"',
    ],
    [
      'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      'nobody asked for transfer-encoding "chunked"',
    ],
  ],
  chunks: [
    ...['', '-5', '+5', '0x5', ' 5', 'g', '5 5', '5,', ';a', '00000000000005', '5;\x01', '5;a\rb', '5\r'].map(
      (line): Refused => [`${chunked}${line}\r\nhello\r\n0\r\n\r\n`, /is not the size of a chunk$/],
    ),
    [`${chunked}5\nhello\r\n0\r\n\r\n`, 'a line ends without a carriage return'],
    [`${chunked}5\r\nhello\n0\r\n\r\n`, 'a line ends without a carriage return'],
    [`${chunked}5\r\nhello!\r\n0\r\n\r\n`, 'a chunk is longer than it says'],
    [`${chunked}5\r\nhello0\r\n\r\n`, 'a chunk is longer than it says'],
    [`${chunked}6\r\nhello\r\n0\r\n\r\n`, 'a line ends without a carriage return'],
  ],
  trailers: [
    [`${chunked}0\r\nno colon\r\n\r\n`, '"no colon" is not a header'],
    // The empty line is missing: what follows would be taken for trailers.
    [`${chunked}0\r\n${second}`, '"HTTP/1.1 200 OK" is not a header'],
    [`${chunked}0\r\na: b\0\r\n\r\n`, '"a: b\\u0000" has a control character'],
    [`${chunked}0\r\na: b\rc\r\n\r\n`, '"a: b\\rc" has a control character'],
    [`${chunked}0\r\n a: b\r\n\r\n`, '" a: b" continues nothing'],
    [`${chunked}0\r\na: b\n\r\n`, 'a line ends without a carriage return'],
  ],
};

for (const [name, answers] of Object.entries(refusedBodies)) {
  t.test(`malformed, though the head stands: ${name}`, async (t) => {
    for (const [answer, malformed] of answers)
      t.match(
        { ...read(answer) },
        { progress: { malformed }, head: { status: 200 }, isReusable: false },
        JSON.stringify(answer),
      );
  });
}

t.test('without a length, the body ends with the connection', async (t) => {
  const { parser, read } = useParser();
  t.match(read(`${ok}\r\nhel`, 'lo'), { progress: 'open', body: 'hello' });
  t.equal(parser.end(), 'whole');
  t.equal(parser.isReusable, false);
  t.match(read('HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n\r\n'), { progress: 'open', body: '' });
  t.equal(parser.end(), 'whole');
  t.equal(parser.isReusable, false);
});

t.test('an answer that is cut is not whole', async (t) => {
  const { parser, read } = useParser();
  const answers = [
    `HTTP/1.1 103 Early Hints\r\n\r\n${length(' 5')}`,
    `${chunked}5;a\r\nhello\r\n0\r\na: b\r\n\r\n`,
  ];
  for (const answer of answers) {
    for (let size = 0; size < answer.length; size += 1) {
      t.equal(read(answer.slice(0, size)).progress, 'open');
      t.equal(parser.end(), 'open');
      t.equal(parser.isReusable, false);
    }
    t.equal(read(answer).progress, 'whole');
    t.equal(parser.end(), 'whole');
  }
});

t.test('an answer has begun with its first byte, until the reset', async (t) => {
  for (const begin of ['H', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 103 Early Hints\r\n\r\n', second, '\n']) {
    const { parser } = useParser();
    t.equal(parser.hasBegun, false);
    parser.read(Buffer.alloc(0));
    t.equal(parser.hasBegun, false);
    parser.read(Buffer.from(begin));
    t.equal(parser.hasBegun, true, JSON.stringify(begin));
    parser.reset();
    t.equal(parser.hasBegun, false);
  }
});

t.test('after its end, nothing is read', async (t) => {
  for (const [answer, progress] of [
    [second, 'whole'],
    ['\n', { malformed: 'a line ends without a carriage return' }],
  ] as const) {
    const { parser, read } = useParser();
    t.strictSame(read(answer).progress, progress);
    t.strictSame(parser.read(Buffer.from(second)), { malformed: 'bytes follow an answer that has ended' });
    t.equal(parser.isReusable, false);
    t.equal(parser.end(), 'open');
  }
});

t.test('each part may be as large as its limit, and no larger', async (t) => {
  const { headBytes, chunkLineBytes } = limits;
  const line = (bytes: number): string => `a: ${'b'.repeat(bytes - 5)}\r\n`;
  const head = (bytes: number): string => `${ok}${line(bytes - ok.length - 21)}content-length: 0\r\n\r\n`;
  const cases: [of: (size: number) => string, most: number, malformed: string][] = [
    [head, headBytes, 'its head is larger than 65536 bytes'],
    [(size) => `HTTP/1.1 103 x\r\n\r\n${head(size)}`, headBytes, 'its head is larger than 65536 bytes'],
    [(size) => `${chunked}0\r\n${line(size - 2)}\r\n`, headBytes, 'its trailers are larger than 65536 bytes'],
    [
      (size) => `${chunked}1;${'a'.repeat(size - 4)}\r\na\r\n0\r\n\r\n`,
      chunkLineBytes,
      'the line before a chunk is longer than 1024 bytes',
    ],
  ];
  for (const [of, most, malformed] of cases) {
    t.equal(read(of(most)).progress, 'whole');
    t.strictSame(read(of(most + 1)).progress, { malformed });
    const endless = of(2 * most).slice(0, most + 100);
    t.strictSame(
      read(endless.slice(0, 50), endless.slice(50)).progress,
      { malformed },
      'before the line ends',
    );
  }
});

const lines = [
  ...[
    'HTTP/1.1 200 OK',
    'HTTP/1.1 204 No Content',
    'HTTP/1.0 200 OK',
    'HTTP/1.1 103 Early Hints',
    'connection: close',
  ],
  ...[
    'content-length: 5',
    'content-length: 0',
    'transfer-encoding: chunked',
    'keep-alive: timeout=2',
    'x: \xc3\xa9',
    ' folded',
  ],
  ...['', '', 'hello', '5', '0', '5;a=b', '\n', '\r', '\0', 'HTTP/1.1 404 Not Found'],
];
const answers = fc.oneof(
  fc.constantFrom(
    ...[...Object.values(whole), ...Object.values(refusedHeads), ...Object.values(refusedBodies)]
      .flat()
      .map(([it]) => it),
  ),
  fc
    .array(fc.constantFrom(...lines), { maxLength: 12 })
    .map((all) => ['HTTP/1.1 200 OK', ...all].join('\r\n')),
);

/** Where a piece ends at the end of the answer, the bytes behind it have not been seen: whoever reads on is told that they are too many. */
function readInPieces(answer: string, cuts: readonly number[]): Reading {
  const { parser, read } = useParser();
  const ends = [...cuts.map((cut) => cut % (answer.length + 1)), answer.length].toSorted((a, b) => a - b);
  const pieces = ends.map((end, index) => answer.slice(ends[index - 1] ?? 0, end));
  const reading = read(...pieces);
  const rest = pieces.join('').length - consumed(pieces);
  if (reading.progress !== 'whole' || rest === 0) return reading;
  parser.read(Buffer.from('x'));
  return { ...reading, isReusable: parser.isReusable };
}

function consumed(pieces: readonly string[]): number {
  const { parser } = useParser();
  let size = 0;
  for (const piece of pieces) {
    size += piece.length;
    if (parser.read(Buffer.from(piece, 'latin1')) !== 'open') break;
  }
  return size;
}

t.test('it does not matter in which pieces an answer comes', async () => {
  fc.assert(
    fc.property(answers, fc.array(fc.nat(200), { maxLength: 6 }), (answer, cuts) => {
      const atOnce = read(answer);
      deepStrictEqual(readInPieces(answer, cuts), atOnce);
      deepStrictEqual(
        readInPieces(
          answer,
          Array.from({ length: answer.length }, (_, at) => at),
        ),
        atOnce,
      );
    }),
    { numRuns: 300 },
  );
});

t.test('a parser reads after a reset as if it were new', async () => {
  const cut = fc.tuple(answers, fc.nat(200)).map(([answer, at]) => [answer.slice(0, at), answer.slice(at)]);
  const pieces = fc.oneof(
    answers.map((answer) => [answer]),
    cut,
  );
  fc.assert(
    fc.property(fc.array(pieces, { minLength: 2, maxLength: 6 }), (all) => {
      const reused = useParser();
      for (const one of [...all, ...all]) deepStrictEqual(reused.read(...one), read(...one));
    }),
    { numRuns: 300 },
  );
});

t.test('the head of the answer before is known by all of its bytes', async (t) => {
  const { read } = useParser();
  const long = `${ok}a: b\r\ncontent-length: 5\r\n\r\n`;
  const first = read(`${long}hello`);
  t.equal(read(`${long}world`).head, first.head, 'the same head');
  t.match(read(`${long}wor`, 'ld!'), { progress: 'whole', body: 'world', isReusable: false });
  t.match(read(`${long.replace('b', 'c')}hello`), { head: { headers: { a: 'c' } } });
  t.match(read(`${ok}\r\nuntil the end`), { progress: 'open', body: 'until the end' });
  t.match(read(`${ok}\r\nof it`), { progress: 'open', body: 'of it' });
  t.match(read(`${chunked}1\r\na\r\n0\r\n\r\n`), { progress: 'whole', body: 'a', isReusable: true });
  t.match(read(chunked, '1\r\nb\r\n0\r\n\r\n'), { progress: 'whole', body: 'b', isReusable: true });
  t.match(read('HTTP/1.1 204 No Content\r\n\r\n'), { progress: 'whole', isReusable: true });
  t.match(read('HTTP/1.1 204 No Content\r\n\r\n'), { progress: 'whole', isReusable: true });
  t.match(read(`HTTP/1.1 204 No Content\r\n\r\n${second}`), { progress: 'whole', isReusable: false });
});

t.test('a head that came in pieces is not known by its last piece', async (t) => {
  const { read } = useParser();
  const end = 'content-length: 5\r\n\r\n';
  t.match(read(ok, `${end}hello`), { progress: 'whole' });
  t.match(read(`${end}hello`), { progress: { malformed: /is not a status line/ } });
});

t.test('the body is handed on as it comes', async (t) => {
  const seen: string[] = [];
  const parser = new AnswerParser({
    onHead: ({ status }) => void seen.push(String(status)),
    onBody: (bytes) => void seen.push(bytes.toString()),
  });
  t.equal(parser.head, undefined);
  for (const piece of [`${chunked}5\r\nhel`, 'lo', '\r\n1\r\n!', '\r\n0\r\n\r\n'])
    parser.read(Buffer.from(piece));
  t.strictSame(seen, ['200', 'hel', 'lo', '!']);
  t.equal(parser.head?.status, 200);
});
