import t from 'tap';
import {
  isStatusLine,
  problemOfTrailers,
  readHead,
  type AnswerHead,
} from '../../../gateway/http/answer-head.ts';

const head = (...fields: readonly string[]): AnswerHead =>
  readHead(['HTTP/1.1 200 OK', ...fields]) as AnswerHead;

t.test('names are in lower case, values without the blanks around them', async (t) => {
  const { headers } = head('Content-Type:text/plain', 'X-A: \t b \t c\t ', 'x-empty:', 'x-blank: \t');
  t.strictSame(
    { ...headers },
    { 'content-type': 'text/plain', 'x-a': 'b \t c', 'x-empty': '', 'x-blank': '' },
  );
});

t.test('a field that comes again has all its values, in order', async (t) => {
  const { headers } = head('a: 1', 'b: x', 'A: 2', 'a:', 'a: 1');
  t.strictSame({ ...headers }, { a: ['1', '2', '', '1'], b: 'x' });
});

t.test('a folded line belongs to the field before it', async (t) => {
  const { headers } = head('a: 1', ' 2 ', '\t3', 'b:', ' 4', '  ', 'a: 5', ' 6', 'c: \xa0', '\t');
  t.strictSame({ ...headers }, { a: ['1 2 3', '5 6'], b: '4', c: '\xa0' });
});

t.test('bytes beyond ASCII are UTF-8 where they can be, and Latin-1 otherwise', async (t) => {
  const { headers } = head(
    'a: caf\xc3\xa9',
    'b: caf\xe9',
    'c: \xc3\xa9 \xe9',
    'd: \xf0\x9f\x92\xa9',
    'e: \xed\xa0\x80',
  );
  t.strictSame({ ...headers }, { a: 'café', b: 'café', c: '\xc3\xa9 \xe9', d: '💩', e: '\xed\xa0\x80' });
});

t.test('no name is special', async (t) => {
  const { headers } = head('__proto__: a', '__proto__: b', 'constructor: c', 'toString: d');
  t.strictSame(Object.entries(headers), [
    ['__proto__', ['a', 'b']],
    ['constructor', 'c'],
    ['tostring', 'd'],
  ]);
  t.equal(headers.hasOwnProperty, undefined);
  t.match(head('__proto__: content-length', 'valueOf: 1'), { framing: { kind: 'close' } });
});

const framed = (
  line: string,
  ...fields: readonly string[]
): readonly [framing: string, isPersistent: boolean] => {
  const { framing, isPersistent } = readHead([line, ...fields]) as AnswerHead;
  if (framing.kind === 'length') return [`${framing.bytes} bytes`, isPersistent];
  return [framing.kind === 'unreadable' ? framing.reason : framing.kind, isPersistent];
};

t.test('how the body ends, and whether the connection may be used again', async (t) => {
  const ok = 'HTTP/1.1 200 OK';
  const cases: [head: readonly [string, ...string[]], framing: string, isPersistent: boolean][] = [
    [[ok], 'close', false],
    [[ok, 'content-length: 7'], '7 bytes', true],
    [[ok, 'content-length: 7', 'connection: close'], '7 bytes', false],
    [[ok, 'content-length: 9007199254740991'], '9007199254740991 bytes', true],
    [[ok, 'content-length: 9007199254740992'], 'content-length is "9007199254740992"', false],
    [[ok, 'content-length: 7', 'content-length: 7'], '7 bytes', true],
    [[ok, 'content-length: 7', 'content-length: 8'], 'content-length is "7, 8"', false],
    [[ok, 'content-length: x'], 'content-length is "x"', false],
    [[ok, 'content-length:'], 'content-length is ""', false],
    [[ok, 'transfer-encoding: chunked'], 'chunked', true],
    [[ok, 'transfer-encoding: gzip, chunked'], 'nobody asked for transfer-encoding "gzip, chunked"', false],
    [[ok, 'transfer-encoding: gzip'], 'nobody asked for transfer-encoding "gzip"', false],
    [
      ['HTTP/1.0 200 OK', 'transfer-encoding: chunked'],
      'nobody asked for transfer-encoding "chunked"',
      false,
    ],
    [
      [ok, 'transfer-encoding: chunked', 'content-length: 7'],
      'it has both content-length and transfer-encoding',
      false,
    ],
    [['HTTP/1.0 200 OK', 'content-length: 7'], '7 bytes', false],
    [['HTTP/1.0 200 OK', 'content-length: 7', 'connection: keep-alive'], '7 bytes', true],
    [['HTTP/1.1 101 Switching Protocols'], 'none', false],
    [['HTTP/1.1 204 No Content'], 'none', true],
    [['HTTP/1.1 204 No Content', 'content-length: 7'], 'none', false],
    [['HTTP/1.1 205 Reset Content'], 'none', false],
    [['HTTP/1.1 205 Reset Content', 'content-length: 0'], 'none', true],
    [['HTTP/1.1 304 Not Modified', 'content-length: 7'], 'none', true],
    [['HTTP/1.1 304 Not Modified', 'transfer-encoding: chunked'], 'none', false],
  ];
  for (const [lines, ...expected] of cases) t.strictSame(framed(...lines), expected, lines.join(' | '));
});

t.test('who does not speak HTTP is known by the first line', async (t) => {
  for (const line of ['HTTP/1.1 200 OK', 'HTTP/1.0 404', 'HTTP/1.1 599 \xe9']) t.ok(isStatusLine(line), line);
  for (const line of ['SSH-2.0-OpenSSH_9.6', 'HTTP/2 200', 'HTTP/1.1 20', 'http/1.1 200 OK', ''])
    t.notOk(isStatusLine(line), line);
});

t.test('1xx but 101 is an interim answer, if its fields are fields', async (t) => {
  for (const status of [100, 102, 103, 199])
    t.equal(readHead([`HTTP/1.1 ${status} Wait`, 'content-length: 7']), 'interim');
  t.strictSame(readHead(['HTTP/1.1 103 Early Hints', 'x']), { malformed: '"x" is not a header' });
});

t.test('what is not a field is malformed', async (t) => {
  const refused = (line: string) => readHead(['HTTP/1.1 200 OK', line]);
  t.strictSame(refused('a: \0'), { malformed: '"a: \\u0000" has a control character' });
  t.strictSame(refused(' a: b'), { malformed: '" a: b" continues nothing' });
  for (const line of ['a', ':b', 'a : b'])
    t.strictSame(refused(line), { malformed: `"${line}" is not a header` });
});

t.test('how long an idle connection is kept', async (t) => {
  const cases: [value: string, idleMs: number | undefined][] = [
    ['timeout=5', 5_000],
    ['max=100, Timeout = "5"', 5_000],
    ['max=100,timeout=0', 0],
    ['timeout=5, timeout=6', 5_000],
    ['timeout=1234567890123', 123_456_789_000],
    ['timeout=-1', undefined],
    ['timeout', undefined],
    ['x-timeout=5', undefined],
    ['', undefined],
  ];
  for (const [value, idleMs] of cases) t.equal(head(`keep-alive: ${value}`).idleMs, idleMs, value);
  t.equal(head('keep-alive: max=1', 'keep-alive: timeout=2').idleMs, 2_000);
  t.equal(head().idleMs, undefined);
});

t.test('of a head without lines, or one that is too long to be told, the reason says enough', async (t) => {
  t.strictSame(readHead([]), { malformed: '"" is not a status line of HTTP/1.1' });
  t.strictSame(readHead(['HTTP/1.1 200 OK', '']), { malformed: '"" is not a header' });
  t.strictSame(readHead(['x'.repeat(100)]), {
    malformed: `"${'x'.repeat(80)}…" is not a status line of HTTP/1.1`,
  });
});

t.test('trailers are fields', async (t) => {
  t.equal(problemOfTrailers([]), undefined);
  t.equal(problemOfTrailers(['content-length: 5', 'x: 1', ' 2']), undefined);
  t.equal(problemOfTrailers(['x']), '"x" is not a header');
});

// It takes seconds where a regular expression trims blanks, because that is quadratic.
t.test('a head of the largest size costs milliseconds, whatever it is made of', async (t) => {
  const blanks = ' \t'.repeat(32_000);
  const startMs = performance.now();
  for (const line of [`a: b${blanks}c`, `connection: b${blanks}c`, `keep-alive: timeout${blanks}c`])
    t.equal(head(line).status, 200);
  t.equal(head('a: b', ...Array<string>(16_000).fill(' \xe9')).status, 200);
  t.ok(performance.now() - startMs < 2_000);
});
