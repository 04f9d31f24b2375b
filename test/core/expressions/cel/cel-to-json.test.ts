import { celToJson } from '../../../../core/expressions/cel/cel-to-json.ts';
import t from 'tap';
import { eventWith, evaluateCel } from './event.ts';

t.test('values of CEL as JSON', (t) => {
  const event = eventWith({ list: [1, { a: null }], map: { b: true } });
  const cases: [source: string, json: unknown][] = [
    ['1', 1],
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740993', '9007199254740993'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['1u', 1],
    ['18446744073709551615u', '18446744073709551615'],
    ['1.5', 1.5],
    ['1.0 / 0.0', 'Infinity'],
    ["double('NaN')", 'NaN'],
    ['true', true],
    ["'x'", 'x'],
    ['null', null],
    ["b'hi'", 'aGk='],
    ['[1, [2]]', [1, [2]]],
    ["{'a': 1, 2: 'b', true: null, 3u: []}", { a: 1, 2: 'b', true: null, 3: [] }],
    ["timestamp('2024-05-06T09:08:09+02:00')", '2024-05-06T07:08:09Z'],
    ["duration('1h30m')", '5400s'],
    ['type(1)', 'int'],
    ['google.protobuf.Timestamp', 'google.protobuf.Timestamp'],
    ['data', { list: [1, { a: null }], map: { b: true } }],
  ];
  for (const [source, json] of cases) {
    const result = evaluateCel(source, event);
    if (result.kind === 'error') t.fail(`${source}: ${result.error.message}`);
    else t.strictSame(celToJson(result.value), json, source);
  }
  t.end();
});
