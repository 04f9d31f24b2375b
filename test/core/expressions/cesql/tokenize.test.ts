import t from 'tap';
import { tokenize } from '../../../../core/expressions/cesql/tokenize.ts';

/** Words bare, symbols bare, strings in brackets. */
function tokens(source: string): string[] | string {
  const tokenized = tokenize(source);
  if (tokenized.kind === 'invalid') return `${tokenized.error.at ?? ''}: ${tokenized.error.message}`;
  return tokenized.tokens.map(({ kind, text }) => (kind === 'string' ? `[${text}]` : text));
}

t.test('tokens', (t) => {
  const cases: [source: string, expected: string[]][] = [
    ['', []],
    [' \t\r\n', []],
    ['int(hop)<3', ['INT', '(', 'HOP', ')', '<', '3']],
    ['a<=b>=c<>d!=e=f>g', ['A', '<=', 'B', '>=', 'C', '<>', 'D', '!=', 'E', '=', 'F', '>', 'G']],
    ['1-1*2/3%4+5', ['1', '-', '1', '*', '2', '/', '3', '%', '4', '+', '5']],
    ['CONCAT_WS(1,2)', ['CONCAT_WS', '(', '1', ',', '2', ')']],
    ['\'\' ""', ['[]', '[]']],
    ["'aBc'", ['[aBc]']],
    [`'a"b\\'c'`, [`[a"b'c]`]],
    [`"a'b\\"c"`, [`[a'b"c]`]],
    [`'a\\"b'`, [`[a\\"b]`]],
    ["'a\\%\\_\\\\'", ['[a\\%\\_\\\\]']],
    ["'a\nb'", ['[a\nb]']],
    ["'a''b'", ['[a]', '[b]']],
  ];
  for (const [source, expected] of cases) t.same(tokens(source), expected, source);
  t.end();
});

t.test('where they start', (t) => {
  const tokenized = tokenize(" a ='😀' x");
  t.same(tokenized.kind === 'tokens' && tokenized.tokens.map(({ at }) => at), [1, 3, 4, 9]);
  t.end();
});

t.test('what is none', (t) => {
  const cases: [source: string, expected: string][] = [
    ["x = 'abc", "4: the string that starts with ' has no end"],
    ['x = "abc\\"', '4: the string that starts with " has no end'],
    ['a && b', '2: & is not allowed outside of strings'],
    ['a 😀', '2: 😀 is not allowed outside of strings'],
    ['a ! b', '2: ! is not allowed outside of strings'],
    ['1.5', '1: . is not allowed outside of strings'],
  ];
  for (const [source, expected] of cases) t.equal(tokens(source), expected, source);
  t.end();
});
