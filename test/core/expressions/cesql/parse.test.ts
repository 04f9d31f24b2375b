import fc from 'fast-check';
import t from 'tap';
import type { Expression } from '../../../../core/expressions/cesql/syntax-tree.ts';
import { parse } from '../../../../core/expressions/cesql/parse.ts';

/** The tree with a parenthesis around all that has an operator; or where and how the text is wrong. */
function show(source: string): string {
  const parsed = parse(source);
  if (parsed.kind === 'parsed') return print(parsed.expression);
  return `${parsed.error.at ?? ''}: ${parsed.error.message}`;
}

function print(expression: Expression): string {
  switch (expression.kind) {
    case 'literal':
      return JSON.stringify(expression.value);
    case 'attribute':
      return expression.name;
    case 'exists':
      return `(exists ${expression.name})`;
    case 'not':
      return `(not ${print(expression.operand)})`;
    case 'negate':
      return `(- ${print(expression.operand)})`;
    case 'like':
      return `(${print(expression.operand)} like ${expression.pattern})`;
    case 'in':
      return `(${print(expression.operand)} in ${expression.elements.map(print).join()})`;
    case 'call':
      return `${expression.name}(${expression.parameters.map(print).join()})`;
    default:
      return `(${[print(expression.first), ...expression.steps.map(({ operator, operand }) => `${operator} ${print(operand)}`)].join(' ')})`;
  }
}

t.test('trees (CESQL 1.0, sections 2 and 3.6)', (t) => {
  const cases: [source: string, expected: string][] = [
    ['tRuE', 'true'],
    ['FALSE', 'false'],
    ["'aBc'", '"aBc"'],
    ['12', '12'],
    ['+12', '12'],
    ['-12', '-12'],
    ['-2147483648', '-2147483648'],
    ['- 12', '(- 12)'],
    ['--10', '(- -10)'],
    ['-10a', '(- 10a)'],
    ["-'10'", '(- "10")'],
    ['Type', 'type'],
    ['left', 'left'],
    ['1a', '1a'],
    ['(((a)))', 'a'],
    ['EXISTS Subject', '(exists subject)'],
    ['NOT EXISTS a', '(not (exists a))'],
    ['NOT -a', '(not (- a))'],
    ['- NOT a', '(- (not a))'],
    ['NOT a = b', '((not a) = b)'],
    ["NOT a LIKE 'x'", '((not a) like x)'],
    ["a NOT LIKE 'x%'", '(not (a like x%))'],
    ['a LIKE \'x\\%\' LIKE "y"', '((a like x\\%) like y)'],
    ['a IN (1)', '(a in 1)'],
    ["a not in (1, 'b', c + 1)", '(not (a in 1,"b",(c + 1)))'],
    ["a IN (1) LIKE 'x'", '((a in 1) like x)'],
    ["a * b LIKE 'x'", '(a * (b like x))'],
    ['-a IN (1)', '((- a) in 1)'],
    ['4-1', '(4 - 1)'],
    ['4 -1', '(4 - 1)'],
    ['4 +1', '(4 + 1)'],
    ['4 + -1', '(4 + -1)'],
    ['4 - - 1', '(4 - (- 1))'],
    ['4 * 2 + 4 / 2 % 3', '((4 * 2) + (4 / 2 % 3))'],
    ['4 * (2 + 4) / 2', '(4 * (2 + 4) / 2)'],
    ['1 - 2 - 3', '(1 - 2 - 3)'],
    ['a + 1 < b * 2', '((a + 1) < (b * 2))'],
    ['1 = 1 = TRUE', '(1 = 1 = true)'],
    ['a >= 1 <> b != c', '(a >= 1 <> b != c)'],
    ['a and b OR c Xor d = 1', '(a AND b OR c XOR (d = 1))'],
    ['a AND (b OR c)', '(a AND (b OR c))'],
    ['ABS(1)', 'ABS(1)'],
    ['concat_ws ( a, 1 )', 'CONCAT_WS(a,1)'],
    ['CONCAT()', 'CONCAT()'],
    ['foo(bar(1), (2))', 'FOO(BAR(1),2)'],
    ["'AND' = '('", '("AND" = "(")'],
  ];
  for (const [source, expected] of cases) t.equal(show(source), expected, source);
  t.end();
});

t.test('what is no expression, and where', (t) => {
  const name = 'the name of an attribute (letters and digits)';
  const cases: [source: string, expected: string][] = [
    ['', '0: expected a value, found the end'],
    ['ABC(', '4: expected a value, found the end'],
    ['ABC(1', '5: expected ), found the end'],
    ['ABC(1,)', '6: expected a value, found )'],
    ['(1', '2: expected ), found the end'],
    ['()', '1: expected a value, found )'],
    ['1 2', '2: expected an operator or the end, found 2'],
    ["'a' 'b'", "4: expected an operator or the end, found the string 'b'"],
    ['a ==1', '3: expected a value, found ='],
    ['a AND', '5: expected a value, found the end'],
    ['AND', '0: expected a value, found AND'],
    ['true(1)', '4: expected an operator or the end, found ('],
    ['+ 1', '0: expected a value, found +'],
    ['+a', '0: expected a value, found +'],
    ['x LIKE 123', '7: expected a string in quotes, found 123'],
    ['x LIKE', '6: expected a string in quotes, found the end'],
    ['x NOT', '5: expected LIKE or IN after NOT, found the end'],
    ['x NOT = 1', '6: expected LIKE or IN after NOT, found ='],
    ['x IN ()', '6: expected a value, found )'],
    ['x IN 1', '5: expected (, found 1'],
    ['x IN (1', '7: expected ), found the end'],
    ['EXISTS', `6: expected ${name}, found the end`],
    ['EXISTS in', `7: expected ${name}, found IN`],
    ['EXISTS 12', `7: expected ${name}, found 12`],
    ["EXISTS 'a'", `7: expected ${name}, found the string 'a'`],
    ['a_b', `0: expected ${name}, found A_B`],
    ['ABC1(2)', '0: ABC1 is not a name of a function: these have letters and _ only'],
    ['_A(2)', '0: _A is not a name of a function: these have letters and _ only'],
    ['1 + 2147483648', '4: 2147483648 is not a 32-bit integer'],
    ['-2147483649', '0: -2147483649 is not a 32-bit integer'],
    ['a ? b', '2: ? is not allowed outside of strings'],
    ["'a\ud800'", '2: half of a surrogate pair is not a character'],
  ];
  for (const [source, expected] of cases) t.equal(show(source), expected, encodeURI(source.toWellFormed()));
  t.end();
});

t.test('limits', (t) => {
  t.equal(parse(`'${'x'.repeat(4_094)}'`).kind, 'parsed');
  t.equal(show(`'${'x'.repeat(4_095)}'`), '4096: it has 4097 characters, but at most 4096 are allowed');
  const tooDeep = 'it is nested deeper than 64 levels';
  const nested = (open: string, close: string, levels: number): string =>
    `${open.repeat(levels)}a${close.repeat(levels)}`;
  for (const [open, close] of [
    ['(', ')'],
    ['- ', ''],
    ['NOT ', ''],
    ['f(', ')'],
    ['1 IN (', ')'],
  ] as const) {
    t.equal(parse(nested(open, close, 64)).kind, 'parsed', open);
    t.equal(show(nested(open, close, 65)), `${65 * open.length}: ${tooDeep}`, open);
  }
  t.equal(parse(`${'(1)+'.repeat(1_000)}1`).kind, 'parsed', 'side by side is not deep');
  t.end();
});

t.test('calls are collected', (t) => {
  const parsed = parse('foo(bar(1)) + a IN (foo())');
  t.same(
    parsed.kind === 'parsed' && parsed.calls.map(({ name, parameters }) => `${name}/${parameters.length}`),
    ['BAR/1', 'FOO/1', 'FOO/0'],
  );
  t.end();
});

t.test('never throws', (t) => {
  const words = fc.constantFrom(
    ...['AND', 'or', 'NOT', 'LIKE', 'in', 'EXISTS', 'true', 'a', 'f', '1', '9999999999', "'x'", '"', '_'],
    ...['(', ')', ',', '-', '+', '*', '=', '<', '!', ' ', '\\', '\ud800', '😀'],
  );
  const soup = fc.array(words, { maxLength: 30 }).map((all) => all.join(' '));
  fc.assert(
    fc.property(fc.oneof(soup, fc.string({ unit: 'binary' })), (source) => {
      const parsed = parse(source);
      if (parsed.kind === 'parsed') return true;
      const { code, at = -1 } = parsed.error;
      return code === 'parse' && at >= 0 && at <= source.length;
    }),
    { numRuns: 2_000 },
  );
  t.end();
});
