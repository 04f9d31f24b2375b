// Our verdict on an answer, beside those of Node's parser and undici's. They may differ only where that was decided.
import fc from 'fast-check';
import t from 'tap';
import { readWithNode, readWithOurs, readWithUndici, type Verdict } from './verdict.ts';

const statusLines = [
  ...Array<string>(8).fill('HTTP/1.1 200 OK'),
  'HTTP/1.1 200',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 202 Accepted',
  'HTTP/1.1 204 No Content',
  'HTTP/1.1 205 Reset Content',
  'HTTP/1.1 304 Not Modified',
  'HTTP/1.1 500 Oh no',
  'HTTP/1.1 599 \xe9',
];
const fields = [
  'content-type: application/json',
  'Date: Sun, 06 Nov 1994 08:49:37 GMT',
  'connection: close',
  'Connection: keep-alive, x',
  'Keep-Alive: timeout=5, max=100',
  'x: ',
  'x-folded: a\r\n b',
  'x-utf8: caf\xc3\xa9',
  'trailer: x',
];
const interims = ['HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', 'HTTP/1.1 102 Processing\r\n\r\n'];
const bodies = ['', 'a', '{"ok":true}', 'two\r\nlines', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx'];
const extensions = ['', '', ';a=b', ';a="b c"', ' ;a'];

const chunked = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom(...bodies), fc.constantFrom(...extensions)), { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([chunks, hasTrailer]) => {
    const parts = chunks
      .filter(([text]) => text !== '')
      .map(([text, extension]) => `${text.length.toString(16)}${extension}\r\n${text}\r\n`);
    return `${parts.join('')}0\r\n${hasTrailer ? 'x-sum: 1\r\n' : ''}\r\n`;
  })
  .map((body) => ({ field: 'transfer-encoding: chunked', body }));
const measured = fc
  .tuple(fc.constantFrom(...bodies), fc.constantFrom(0, 0, 0, 0, -1, 1))
  .map(([body, error]) => ({ field: `content-length: ${body.length + error}`, body }));
const unmeasured = fc.constantFrom(...bodies).map((body) => ({ field: undefined, body }));
const bodyless = fc.constantFrom({ field: 'content-length: 0', body: '' }, { field: undefined, body: '' });

const valid = fc
  .tuple(
    fc.constantFrom('', '', '', ...interims),
    fc.constantFrom(...statusLines),
    fc.array(fc.constantFrom(...fields), { maxLength: 3 }),
    fc.oneof(chunked, measured, unmeasured, bodyless),
    fc.nat(3),
  )
  .map(([interim, statusLine, others, { field, body }, at]) => {
    const head = field === undefined ? others : others.toSpliced(at, 0, field);
    return `${interim}${[statusLine, ...head].join('\r\n')}\r\n\r\n${body}`;
  });

const swaps: readonly (readonly [string, string])[] = [
  ['HTTP/1.1', 'HTTP/1.0'],
  ['HTTP/1.1', 'HTTP/1.7'],
  ['HTTP/1.1', 'HTTP/2.0'],
  [' 200', ' 099'],
  [' 200', ' 100'],
  [' 200', ' 101'],
  [' OK', ' O\x01K'],
  [' OK', ' \r\nx'],
  ['\r\n', '\n'],
  ['\r\n', '\r\r\n'],
  ['\r\n', ' \r\n'],
  ['\r\n', '\r\nContent-Length: 1\r\n'],
  ['\r\n', '\r\nTransfer-Encoding: chunked\r\n'],
  ['\r\n', '\r\nconnection: keep-alive\r\n'],
  [': ', ' : '],
  [': ', ': +'],
  [': ', ':\r\n '],
  [': ', ': 0, '],
  [': ', ': 1e'],
  ['length', 'length\0'],
  ['chunked', 'gzip, chunked'],
  ['chunked', 'chunked, chunked'],
  ['chunked', 'identity'],
  ['\r\n0', '\r\n-0'],
  ['\r\n0', '\r\n0x0'],
  ['\r\n0', '\r\n00000000000000'],
  ['\r\na', '\r\nFFFFFFFFFFFFFFFFF'],
];

const mutation = fc.tuple(
  fc.constantFrom('replace', 'drop', 'insert', 'repeat a line', 'cut', 'more', 'swap', 'swap', 'swap'),
  fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  fc.constantFrom(
    '\r',
    '\n',
    '\r\n',
    ':',
    ' ',
    '\t',
    ',',
    ';',
    '0',
    '1',
    '9',
    'a',
    'F',
    'x',
    '\0',
    '\x7f',
    '\xff',
  ),
  fc.constantFrom(...swaps),
);

type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate(text: string, [kind, place, what, [before, after]]: Mutation): string {
  const at = Math.floor(place * text.length);
  switch (kind) {
    case 'replace':
      return text.slice(0, at) + what + text.slice(at + 1);
    case 'drop':
      return text.slice(0, at) + text.slice(at + 1);
    case 'insert':
      return text.slice(0, at) + what + text.slice(at);
    case 'cut':
      return text.slice(0, at);
    case 'more':
      return text + what;
    case 'swap': {
      const found = text.indexOf(before, place < 0.5 ? 0 : at);
      return found === -1 ? text : text.slice(0, found) + after + text.slice(found + before.length);
    }
    default: {
      const lines = text.split('\r\n');
      const index = Math.floor(place * lines.length);
      return lines.toSpliced(index, 0, lines[index] ?? '').join('\r\n');
    }
  }
}

const answers = fc
  .tuple(valid, fc.array(mutation, { maxLength: 3 }))
  .map(([text, mutations]) => mutations.reduce(mutate, text));

interface Case {
  readonly text: string;
  readonly peer: 'node' | 'undici';
  readonly our: Verdict;
}

interface Difference {
  /** What the other one does. */
  readonly name: string;
  /** `stricter`: we refuse what it reads. `looser`: we read what it refuses. `other`: both read it, but not the same. */
  readonly kind: 'stricter' | 'looser' | 'other';
  readonly peers: readonly Case['peer'][];
  readonly example: string;
  readonly isMet: (it: Case) => boolean;
}

const both = ['node', 'undici'] as const;
const ok = 'HTTP/1.1 200 OK\r\n';
const interimWithLength = /HTTP\/1\.\d 1\d\d.*\r\n(?:.+\r\n)*(?:content-length|transfer-encoding):/i;
/** A chunk's line that is not one by the grammar: `size *( ";" name [ "=" value ] )`. */
const oddChunkLine = /^[\da-f]+(?=[\t ;])(?!(?:;[\w-]+(?:=(?:[\w-]+|"[^"\r]*"))?)*\r$)/im;

const decided: readonly Difference[] = [
  {
    name: 'skips line ends before the status line',
    kind: 'stricter',
    peers: both,
    example: `\r\n${ok}content-length: 0\r\n\r\n`,
    isMet: ({ text }) => /(?:^|\n)[\r\n]+HTTP\//.test(text),
  },
  {
    name: 'takes control characters in the reason phrase',
    kind: 'stricter',
    peers: both,
    example: 'HTTP/1.1 200 O\x01K\r\ncontent-length: 0\r\n\r\n',
    isMet: ({ text }) => /HTTP\/1\.\d \d{3} [^\r\n]*[^\t\r\n\x20-\x7e\x80-\xff]/.test(text),
  },
  {
    name: 'reads HTTP/0.9 and HTTP/2.0 as HTTP/1',
    kind: 'stricter',
    peers: both,
    example: 'HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n',
    isMet: ({ text }) => /HTTP\/(?:0\.9|2\.0)/.test(text),
  },
  {
    name: 'reads a status that begins with 0',
    kind: 'stricter',
    peers: ['node'],
    example: 'HTTP/1.1 099 OK\r\ncontent-length: 0\r\n\r\n',
    isMet: ({ text }) => /HTTP\/1\.\d 0\d\d/.test(text),
  },
  {
    name: 'takes CR CR CR LF behind the status line for the end of the head',
    kind: 'stricter',
    peers: ['undici'],
    example: 'HTTP/1.1 200 OK\r\r\r\n',
    isMet: ({ text }) => /HTTP\/1\.\d \d{3}[^\r\n]*\r\r\r\n/.test(text),
  },
  {
    name: 'reads transfer-encodings that it cannot decode, and any in HTTP/1.0',
    kind: 'stricter',
    peers: both,
    example: `${ok}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    isMet: ({ our }) => our.kind === 'refused' && our.reason.startsWith('nobody asked for transfer-encoding'),
  },
  {
    name: 'reads sizes of chunks with any number of zeros in front',
    kind: 'stricter',
    peers: both,
    example: `${ok}transfer-encoding: chunked\r\n\r\n00000000000001\r\na\r\n0\r\n\r\n`,
    isMet: ({ text }) => /^0[\da-f]{13}/im.test(text),
  },
  {
    name: 'refuses folded lines, which RFC 9112, section 5.2, lets a client read',
    kind: 'looser',
    peers: both,
    example: `${ok}x: a\r\n b\r\ncontent-length: 0\r\n\r\n`,
    isMet: ({ text }) => /\r\n[\t ]/.test(text),
  },
  {
    name: 'refuses a content-length that is said twice, which RFC 9112, section 6.3, lets a client read',
    kind: 'looser',
    peers: both,
    example: `${ok}content-length: 1\r\ncontent-length: 1\r\n\r\na`,
    isMet: ({ text }) => /^content-length:.*(?:,|(?:\r\n.*)*\r\ncontent-length:)/im.test(text),
  },
  {
    name: 'refuses blanks behind the size of a chunk, and extensions without a name',
    kind: 'looser',
    peers: both,
    example: `${ok}transfer-encoding: chunked\r\n\r\n1 ;a\r\na\r\n0\r\n\r\n`,
    isMet: ({ text }) => oddChunkLine.test(text),
  },
  {
    name: 'refuses HTTP/1.2 to HTTP/1.9, which RFC 9110, section 2.5, has a client read as HTTP/1.1',
    kind: 'looser',
    peers: both,
    example: 'HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n',
    isMet: ({ text }) => /HTTP\/1\.[2-9]/.test(text),
  },
  {
    name: 'minds the length of a body that a 1xx, 204, 205 or 304 announces, and does not have',
    kind: 'looser',
    peers: both,
    example: 'HTTP/1.1 304 Not Modified\r\ncontent-length: -1\r\n\r\n',
    isMet: ({ text, our }) =>
      (our.kind === 'read' && [101, 204, 205, 304].includes(our.status)) || interimWithLength.test(text),
  },
  {
    name: 'refuses a content-length behind the last chunk',
    kind: 'looser',
    peers: both,
    example: `${ok}transfer-encoding: chunked\r\n\r\n0\r\ncontent-length: 1\r\n\r\n`,
    isMet: ({ text }) => /\r\n0+\r\n(?:.+\r\n)*content-length:/i.test(text),
  },
  {
    name: 'refuses 100, and 101, which nobody asked for',
    kind: 'looser',
    peers: ['undici'],
    example: `HTTP/1.1 100 Continue\r\n\r\n${ok}content-length: 0\r\n\r\n`,
    isMet: ({ text }) => /HTTP\/1\.\d 10[01]/.test(text),
  },
  {
    name: 'takes an interim answer of HTTP/1.0, or with `connection: close`, for the last one',
    kind: 'looser',
    peers: both,
    example: `HTTP/1.0 102 Processing\r\n\r\n${ok}content-length: 0\r\n\r\n`,
    isMet: ({ text }) => /HTTP\/1\.(?:0 1\d\d|\d 1\d\d.*\r\n(?:.+\r\n)*connection:.*close)/i.test(text),
  },
  {
    name: 'does not compare the length where blanks follow it',
    kind: 'looser',
    peers: ['undici'],
    example: `${ok}content-length: 1 \t\r\n\r\na`,
    isMet: ({ text }) => /^content-length:.*[\t ]\r$/im.test(text),
  },
  {
    name: 'reads a body in a 205',
    kind: 'other',
    peers: both,
    example: 'HTTP/1.1 205 Reset Content\r\ncontent-length: 1\r\n\r\na',
    isMet: ({ our }) => our.kind === 'read' && our.status === 205,
  },
];

/** A connection that they keep and we do not is no difference: where there is doubt, we close. */
function kindOf(our: Verdict, their: Verdict): Difference['kind'] | 'we keep the connection' | 'none' {
  if (our.kind === 'refused') return their.kind === 'refused' ? 'none' : 'stricter';
  if (their.kind === 'refused') return 'looser';
  if (our.status !== their.status || our.body !== their.body) return 'other';
  return our.isReusable && !their.isReusable ? 'we keep the connection' : 'none';
}

/** The verdicts that differ, and the names of the decisions that allow it. */
async function differences(text: string) {
  const bytes = Buffer.from(text, 'latin1');
  const our = readWithOurs(bytes);
  const theirs = { node: await readWithNode(bytes), undici: await readWithUndici(bytes) };
  return both
    .map((peer) => ({ peer, kind: kindOf(our, theirs[peer]), our, their: theirs[peer] }))
    .filter(({ kind }) => kind !== 'none')
    .map((it) => ({
      ...it,
      allowedBy: decided
        .filter(
          ({ kind, peers, isMet }) => kind === it.kind && peers.includes(it.peer) && isMet({ text, ...it }),
        )
        .map(({ name }) => name),
    }));
}

t.test('each decided difference is there', async (t) => {
  for (const { name, kind, peers, example } of decided) {
    const found = await differences(example);
    for (const peer of peers)
      t.match(
        found.find((it) => it.peer === peer),
        { kind, allowedBy: [name] },
        `${peer} ${name}`,
      );
  }
});

t.test('of whatever answers, they say the same, but for the decided differences', async (t) => {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(answers, async (text) => {
      count += Number(readWithOurs(Buffer.from(text, 'latin1')).kind === 'read');
      const undecided = (await differences(text)).filter(({ allowedBy }) => allowedBy.length === 0);
      if (undecided.length > 0) throw new Error(JSON.stringify({ text, undecided }));
    }),
    { numRuns: 3_000, seed: 9112 },
  );
  t.ok(count > 300, 'many of them can be read');
});
