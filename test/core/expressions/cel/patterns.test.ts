import t from 'tap';
import { CostExceeded, spentUnits, startMeter } from '../../../../core/expressions/cel/cost-meter.ts';
import { compilePattern, createMatches, type Pattern } from '../../../../core/expressions/cel/patterns.ts';

function pattern(source: string): Pattern {
  const result = compilePattern(source);
  if (result.kind === 'wrong') throw new Error(result.message);
  return result.pattern;
}

t.test('patterns are RE2: no backtracking, no references', (t) => {
  t.ok(pattern('^dev[.]').test('dev.quake'));
  t.notOk(pattern('^(a+)+$').test(`${'a'.repeat(50_000)}!`), 'and not in a thousand years');
  t.ok(pattern('(?i)QUAKE').test('dev.quake'));
  const wrong: [string, RegExp][] = [
    ['(', /^the pattern is not valid in RE2: .*missing/],
    ['(a)\\1', /^the pattern is not valid in RE2/],
    ['(?=a)', /^the pattern is not valid in RE2/],
    ['a'.repeat(513), /^the pattern has 513 characters, but at most 512 are allowed$/],
    [
      '(a{30}){30}(b{30}){30}(c{30}){30}',
      /^the pattern compiles to \d+ instructions, but at most 2000 are allowed$/,
    ],
  ];
  for (const [source, message] of wrong)
    t.match(compilePattern(source), { kind: 'wrong', message }, source.slice(0, 20));
  t.end();
});

t.test('matches knows the patterns of its expression, and is paid for by text and pattern', (t) => {
  const matches = createMatches(new Map([['a+', pattern('a+')]]));
  startMeter();
  t.equal(matches.call(0, 'xaax', ['a+']), true);
  t.equal(spentUnits(), pattern('a+').size);
  t.equal(matches.call(0, 'x', ['a+']), false);
  t.equal(matches.call(0, 1n, ['a+']), undefined, 'no text');
  t.equal(matches.call(0, 'x', ['b+']), undefined, 'another pattern');
  t.throws(() => matches.call(0, 'a'.repeat(1_000_000), ['a+']), CostExceeded);
  t.end();
});
