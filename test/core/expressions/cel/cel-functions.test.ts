import { celList, type CelFunc, type CelValue } from '@bufbuild/cel';
import t from 'tap';
import { createNullary, derive, standardFunctions } from '../../../../core/expressions/cel/cel-functions.ts';
import { CostExceeded, spentUnits, startMeter } from '../../../../core/expressions/cel/cost-meter.ts';
import { evaluateCel } from './event.ts';

t.beforeEach(() => startMeter());

function costOf(source: string): number {
  evaluateCel(source);
  return spentUnits();
}

t.test('each function is there once', (t) => {
  const ids = standardFunctions.map(({ id }) => id);
  t.equal(new Set(ids).size, ids.length);
  t.end();
});

t.test('work on texts and bytes is paid for by their length', (t) => {
  const text = 'x'.repeat(1280);
  const cases: [source: string, units: number][] = [
    ['1 + 1 == 2 && 1.0 < 2.0', 0],
    [`'${text}' == 'y'`, 10 + 1 / 128],
    [`b'${text}' == b'y'`, 10 + 1 / 128],
    [`'${text}' + 'y' != ''`, 20 + 2 / 128],
    [`'${text}'.startsWith('y')`, 10 + 1 / 128],
    [`'${text}'.contains('${'x'.repeat(128)}')`, 11 + 40],
    [`int('${'1'.repeat(64)}') == 1`, 1],
    [`size('${text}') == 1280`, 10],
    [`'${text}'.size() == 1280`, 10],
    ["timestamp('2024-01-01T00:00:00Z').getHours() == 0", 10 + 20 / 128],
    ["timestamp('2024-01-01T00:00:00Z').getHours('Europe/Berlin') == 1", 510 + 20 / 128],
  ];
  for (const [source, units] of cases)
    t.ok(Math.abs(costOf(source) - units) < 0.001, `${source.slice(0, 20)} costs ${spentUnits()}`);
  t.end();
});

t.test('a text is as long as it has code points', (t) => {
  const cases: [text: string, size: bigint][] = [
    ['', 0n],
    ['aé', 2n],
    ['😀', 1n],
    ['a😀b😀', 4n],
    ['\\ud83d', 1n],
  ];
  const size = standardFunctions.find(({ id }) => id === 'size(string)') as CelFunc;
  for (const [text, expected] of cases)
    t.equal(size.call(0, undefined, [text === '\\ud83d' ? '\ud83dx'.slice(0, 1) : text]), expected, text);
  t.equal(size.call(0, undefined, ['\ud83dx']), 2n, 'a lone surrogate');
  t.end();
});

t.test('what a function throws about its cost gets through, its own errors are values', (t) => {
  const find = (id: string) => standardFunctions.find((func) => func.id === id) as CelFunc;
  t.throws(() => find('int(string)').call(0, undefined, ['1'.repeat(1_000_000)]), CostExceeded);
  startMeter();
  t.match(find('int(string)').call(0, undefined, ['x']), { message: /.+/ });
  t.equal(find('int(string)').call(0, undefined, [1n]), undefined, 'another overload');
  const left: CelValue = celList([1n]);
  t.strictSame([...(find('_+_(list,list)').call(0, undefined, [left, left]) as Iterable<unknown>)], [1n, 1n]);
  t.equal(find('string.matches(string)').call(0, 'a', ['a']), false, 'without patterns none matches');
  t.end();
});

t.test('functions of our own', (t) => {
  const seven = createNullary('@seven', (id) => BigInt(id));
  t.match(seven, { name: '@seven', id: '@seven()', arguments: [] });
  t.equal(seven.call(7, undefined, []), 7n);
  const derived = derive(seven, { call: () => 8n });
  t.match(derived, { name: '@seven', id: '@seven()' });
  t.equal(derived.call(7, undefined, []), 8n);
  t.end();
});
