import { parse } from '@bufbuild/cel';
import t from 'tap';
import { prepare } from '../../../../core/expressions/cel/prepare.ts';

const needsOf = (source: string) => prepare(parse(source).expr);

t.test('variables that an expression names', (t) => {
  const cases: [source: string, variables: string[]][] = [
    ['1', []],
    ["type == 'x' && data.type == 'y'", ['type', 'data']],
    ['event.subject', ['event']],
    ['data.all(x, x > y)', ['data', 'y']],
    ['data.all(data, data > 1)', ['data']],
    ['[1].all(x, x > 1)', []],
    ['x.exists(x, x)', ['x']],
    ["{'a': id, 'b': [source]}", ['id', 'source']],
    ['type(data) == map || type(data) == google.protobuf.Timestamp', ['data']],
    ['has(event.subject) ? a : b', ['event', 'a', 'b']],
  ];
  for (const [source, variables] of cases)
    t.strictSame([...needsOf(source).variables].sort(), variables.sort(), source);
  t.end();
});

t.test('a round of a loop weighs what it does, without the loops in it', (t) => {
  const weights = (source: string): number[] => [...needsOf(source).ticks].sort((a, b) => a - b);
  t.strictSame(weights('data'), []);
  const [light = 0] = weights('data.all(x, true)');
  t.strictSame(weights('data.all(x, x == 1)'), [light + 2]);
  t.strictSame(weights('data.all(x, [1, 2, 3].exists(y, true))').length, 2);
  t.end();
});

t.test('patterns are compiled once', (t) => {
  const { patterns } = needsOf("type.matches('a') || type.matches('a') || type.matches('b')");
  t.strictSame([...patterns.keys()], ['a', 'b']);
  t.end();
});

t.test('what no event can make right', (t) => {
  const cases: [source: string, code: string, message: RegExp][] = [
    ['Type', 'unknown', /^there is no variable Type: write an attribute/],
    ['some_thing', 'unknown', /^there is no variable some_thing/],
    ['frob(1)', 'unknown', /^there is no function frob$/],
    ['type.frob()', 'unknown', /^there is no function frob$/],
    ['has(data)', 'unknown', /^has takes a field/],
    ['data.all(1, true)', 'unknown', /^all takes a name first/],
    [
      'type.startsWith()',
      'unknown',
      /^startsWith cannot be called like this: write string.startsWith\(string\)$/,
    ],
    ["startsWith(type, 'x')", 'unknown', /^startsWith cannot be called like this/],
    ['size(1, 2)', 'unknown', /size\(list\) or .*list\.size\(\)/],
    ['Message{}', 'unknown', /^messages such as Message\{\}/],
    ['type.matches(source)', 'pattern', /^the pattern of matches must be a string literal/],
    ['type.matches(1)', 'pattern', /^the pattern of matches must be a string literal/],
    ["type.matches('(')", 'pattern', /^the pattern is not valid in RE2/],
    [`${'1+'.repeat(251)}1`, 'limit', /^it is nested deeper than 250 levels$/],
  ];
  for (const [source, code, message] of cases) {
    t.throws(() => needsOf(source), { fault: { code }, message }, source.slice(0, 40));
    t.throws(() => needsOf(source), { name: 'PrepareError' });
  }
  t.end();
});
