import fc from 'fast-check';
import t from 'tap';
import { isJson, membersOf, stringAt } from '../../../gateway/events/json-bytes.ts';

function parses(bytes: Buffer): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}

/** The members of `text` as names and the texts of their values, or undefined. */
function membersIn(text: string): [string, string][] | undefined {
  const bytes = Buffer.from(text);
  const indexes = membersOf(bytes);
  if (indexes === undefined) return undefined;
  const members: [string, string][] = [];
  for (let at = 0; at < indexes.length; at += 4) {
    const [nameStart = 0, nameEnd = 0, start = 0, end = 0] = indexes.slice(at);
    members.push([stringAt(bytes, nameStart, nameEnd), bytes.toString('utf8', start, end)]);
  }
  return members;
}

const valid = [
  ...['{}', '[]', ' [ ] ', '{ }\n', '"x"', '""', '0', '-0', '12', '-1.5e+10', '1E3', '0.0', '1e-2', 'true'],
  ...[
    'false',
    'null',
    '[1,2]',
    '[[],{}]',
    '{"a":1,"b":[{"c":null}]}',
    '\t\r\n 1',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
  ],
  ...['"\\u00e9\\uD83D\\ude00"', '"é€😀"', '[{"a":{}} , {"b" : [ ]}]', '"\\ud800"', '"\u007f"'],
];
const invalid = [
  ...[
    '',
    ' ',
    '{',
    '[',
    '}',
    ']',
    '[1',
    '[1,',
    '[1,]',
    '[,1]',
    '[1 2]',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{a:1}',
  ],
  ...[
    '{"a":1',
    '{"a":1]',
    '[1}',
    '{"a" 1}',
    '{,}',
    '"',
    '"\\',
    '"\\x"',
    '"\\u12"',
    '"\\u12g4"',
    '"\\u',
    '"a\nb"',
  ],
  ...[
    '01',
    '-',
    '+1',
    '1.',
    '.5',
    '1e',
    '1e+',
    '1.e1',
    '--1',
    '0x1',
    'tru',
    'truE',
    'nul',
    'fals',
    'NaN',
    'True',
  ],
  ...[
    '1 2',
    '{} {}',
    '[1]x',
    '\ufeff{}',
    "'a'",
    '{"a":1 "b":2}',
    '{"a":tru}',
    '{"a',
    '{1:2}',
    '[\u00a0]',
    '\u000b1',
  ],
  ...[
    '{"a":1,b}',
    '{"a":1,"b}',
    '[{"a":1,"b"}]',
    '[{"a',
    '[{x}]',
    '"\\u1/34"',
    '"\\u1:34"',
    '"\\u1G34"',
    '"\\u1`34"',
  ],
];

t.test('what is JSON is what JSON.parse takes', (t) => {
  for (const text of valid) t.ok(isJson(Buffer.from(text)), JSON.stringify(text));
  for (const text of invalid) t.notOk(isJson(Buffer.from(text)), JSON.stringify(text));
  for (const text of [...valid, ...invalid]) t.equal(isJson(Buffer.from(text)), parses(Buffer.from(text)));
  for (const broken of [
    [0x22, 0xff, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    [0x22, 0xc0, 0xa0, 0x22],
  ]) {
    t.notOk(isJson(Buffer.from(broken)), 'not UTF-8');
  }
  fc.assert(fc.property(fc.json(), (json) => isJson(Buffer.from(json))));
  const nearly = fc.tuple(
    fc.json(),
    fc.nat(),
    fc.constantFrom('', '"', ',', '0', '}', '\\', ' ', '\u0000', 'é'),
  );
  fc.assert(
    fc.property(nearly, ([json, at, text]) => {
      const place = at % (json.length + 1);
      const bytes = Buffer.from(json.slice(0, place) + text + json.slice(place + 1));
      return isJson(bytes) === parses(bytes);
    }),
    { numRuns: 3_000 },
  );
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => isJson(Buffer.from(bytes)) === parses(Buffer.from(bytes))),
  );
  t.end();
});

t.test('depth costs no stack', (t) => {
  const depth = 200_000;
  t.ok(isJson(Buffer.from('['.repeat(depth) + ']'.repeat(depth))));
  t.notOk(isJson(Buffer.from('{"a":['.repeat(depth))));
  t.end();
});

t.test('members of an object', (t) => {
  t.strictSame(membersIn(' { } '), []);
  t.strictSame(membersIn('{"a":1, "b" : [ {"c":2} ] ,"\\u0061" : "x\\n" }\n'), [
    ['a', '1'],
    ['b', '[ {"c":2} ]'],
    ['a', '"x\\n"'],
  ]);
  for (const text of [...invalid, '[]', '1', '"x"', 'null', '{}}', '{} x', '{"a":1} x']) {
    if (text !== '1 2') t.equal(membersIn(text), undefined, JSON.stringify(text));
  }
  t.equal(membersOf(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), undefined, 'not UTF-8');
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { noNullPrototype: true }),
      (object) => {
        const json = JSON.stringify(object);
        const members = membersIn(json) ?? [];
        t.strictSame(
          members.map(([name, value]) => [name, JSON.parse(value) as unknown]),
          Object.entries(JSON.parse(json) as object),
        );
      },
    ),
    { numRuns: 300 },
  );
  t.end();
});
