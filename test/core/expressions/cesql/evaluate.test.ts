import t, { type Test } from 'tap';
import type { CloudEvent } from '../../../../core/contract/event.ts';
import { evaluator } from '../../../../core/expressions/cesql/evaluate.ts';
import { parse } from '../../../../core/expressions/cesql/parse.ts';

const event: CloudEvent = {
  id: 'a-1',
  source: '/orders/eu',
  type: 'com.example.order',
  extensions: { hop: '5', ttl: 10, yes: true, big: 3_000_000_000, text: 'tRUE', empty: '' },
  data: null,
};

/** The value, or the value and the code of the error. */
function evaluate(source: string): unknown {
  const parsed = parse(source);
  if (parsed.kind === 'invalid') throw new Error(parsed.error.message);
  const outcome = evaluator(parsed.expression)(event);
  return typeof outcome === 'object' ? [outcome.value, outcome.error.code] : outcome;
}

function check(t: Test, cases: readonly (readonly [source: string, expected: unknown])[]): void {
  for (const [source, expected] of cases) t.same(evaluate(source), expected, source);
  t.end();
}

t.test('values', (t) => {
  check(t, [
    ['TRUE', true],
    ["'a'", 'a'],
    ['-3', -3],
    ['id', 'a-1'],
    ['specversion', '1.0'],
    ['hop', '5'],
    ['TTL', 10],
    ['yes', true],
    ['empty', ''],
    ['big', '3000000000'],
    ['subject', [false, 'missingAttribute']],
    ['constructor', [false, 'missingAttribute']],
    ['EXISTS Source', true],
    ['EXISTS empty', true],
    ['EXISTS subject', false],
  ]);
});

t.test('operators', (t) => {
  check(t, [
    ['-ttl', -10],
    ['-hop', -5],
    ['NOT yes', false],
    ['NOT FALSE', true],
    ["NOT 'false'", true],
    ['hop * 2 + ttl / 3 - 1', 12],
    ['hop < ttl', true],
    ['ttl = hop', false],
    ['hop = 5', true],
    ['1 = 1 = TRUE', true],
    ["source LIKE '/orders/%'", true],
    ["ttl LIKE '1_'", true],
    ["source NOT LIKE '/orders/%'", false],
    ['ttl IN (1, 10)', true],
    ["ttl IN ('1', '10')", true],
    ["ttl IN ('1', '2')", false],
    ["ttl NOT IN ('1', '2')", true],
    ["'true' IN (TRUE)", true],
    ["'TRUE' IN (TRUE)", false],
    ["TRUE IN ('TRUE')", true],
    ['10 IN (ttl, 1 / 0)', true],
  ]);
});

t.test('logic knows when it knows enough', (t) => {
  check(t, [
    ['TRUE AND TRUE', true],
    ['TRUE AND FALSE', false],
    ['FALSE AND 1 / 0 = 1', false],
    ['TRUE OR 1 / 0 = 1', true],
    ['FALSE OR FALSE', false],
    ['FALSE OR TRUE', true],
    ['TRUE XOR TRUE', false],
    ['TRUE XOR FALSE', true],
    ['FALSE XOR TRUE', true],
    ['FALSE XOR FALSE', false],
    ['TRUE XOR 1 / 0 = 1', [false, 'math']],
    ['FALSE XOR 1 / 0 = 1', [false, 'math']],
    ['TRUE AND 1 / 0 = 1', [false, 'math']],
    ['FALSE OR 1 / 0 = 1', [false, 'math']],
    ['missing OR TRUE', [false, 'missingAttribute']],
    ["text AND 'true' AND 1", true],
    ["'x' OR TRUE", [false, 'cast']],
    // From the left, as section 3.6 has it: by the binding of SQL, the second would be true.
    ['FALSE AND FALSE OR TRUE', true],
    ['TRUE OR FALSE AND FALSE', false],
  ]);
});

t.test('the first error ends the evaluation with the zero value of the outermost operator', (t) => {
  check(t, [
    ['missing * 5', [0, 'missingAttribute']],
    ['5 * missing', [0, 'missingAttribute']],
    ['missing / 0', [0, 'missingAttribute']],
    ["'x' / missing", [0, 'missingAttribute']],
    ['missing / 0 + 1', [0, 'missingAttribute']],
    ['1 / 0 + missing', [0, 'math']],
    ['-missing', [0, 'missingAttribute']],
    ['NOT missing', [false, 'missingAttribute']],
    ['missing = 1', [false, 'missingAttribute']],
    ['missing != 1', [false, 'missingAttribute']],
    ['1 / 0 = 0', [false, 'math']],
    ["missing LIKE '%'", [false, 'missingAttribute']],
    ["missing NOT LIKE '%'", [false, 'missingAttribute']],
    ['missing IN (1)', [false, 'missingAttribute']],
    ['1 IN (missing, 1)', [false, 'missingAttribute']],
    ["1 IN ('x', 1)", [false, 'cast']],
    ['UPPER(missing)', ['', 'missingAttribute']],
    ['LENGTH(missing)', [0, 'missingAttribute']],
    ['IS_INT(missing)', [false, 'missingAttribute']],
    ["LENGTH(LEFT('abc', -1))", [0, 'functionEvaluation']],
    ['missing = UNKNOWN()', [false, 'missingAttribute']],
  ]);
});

t.test('NOT of what is no Boolean', (t) => {
  check(t, [
    ['NOT 10', [true, 'cast']],
    ["NOT 'x'", [true, 'cast']],
    ['NOT BOOL(10)', false],
    ['NOT (1 / 0)', [false, 'math']],
  ]);
});

t.test('functions', (t) => {
  check(t, [
    ["upper('a')", 'A'],
    ['LENGTH(ttl)', 2],
    ['LENGTH(TRUE)', 4],
    ["LEFT('abc', '2')", 'ab'],
    ["LEFT('abc', 'x')", ['', 'cast']],
    ["LEFT('abc', -1)", ['abc', 'functionEvaluation']],
    ["CONCAT(1, TRUE, 'a')", '1truea'],
    ["CONCAT_WS(0, 1, 'a')", '10a'],
    ['INT(yes)', 1],
    ['BOOL(text)', true],
    ["BOOL('x')", [false, 'cast']],
    ['UNKNOWN(missing)', [false, 'missingFunction']],
    ['LEFT(1)', [false, 'missingFunction']],
    ['CONCAT_WS()', [false, 'missingFunction']],
    ['UNKNOWN() + 1', [0, 'missingFunction']],
  ]);
});
