import fc from 'fast-check';
import t from 'tap';
import type { CloudEvent } from '../../../../core/contract/event.ts';
import {
  compileCesql,
  type CesqlError,
  type CesqlErrorCode,
  type CesqlResult,
  type CesqlValue,
} from '../../../../core/expressions/cesql/compile-cesql.ts';
import { evaluator } from '../../../../core/expressions/cesql/evaluate.ts';
import type { Expression } from '../../../../core/expressions/cesql/syntax-tree.ts';

const event: CloudEvent = {
  id: 'a-1',
  source: '/orders/eu',
  type: 'com.example.order.created',
  subject: 'order-7',
  extensions: { hop: '5', ttl: 10, yes: true },
  data: null,
};

/** The result of a text that is known to be an expression. */
function evaluate(source: string, of = event): CesqlResult {
  const compiled = compileCesql(source);
  if (compiled.kind === 'invalid') throw new Error(`${source}: ${compiled.error.message}`);
  return compiled.evaluate(of);
}

t.test('results', (t) => {
  const error = (code: CesqlErrorCode, message: string): CesqlError => ({ code, message });
  const cases: [source: string, value: CesqlValue, error?: CesqlError][] = [
    ["type LIKE 'com.example.%' AND subject = 'order-7'", true],
    ["type LIKE 'com.example.%' AND subject = 'order-8'", false],
    ['int(hop) < int(ttl) and int(hop) < 1000', true],
    ['hop + ttl', 15],
    ["CONCAT(subject, '!')", 'order-7!'],
    ['region', false, error('missingAttribute', 'the event has no attribute region')],
    ['ttl / 0', 0, error('math', '/ by zero')],
    ["'x' + 1", 0, error('cast', "'x' is not a 32-bit integer")],
    ['FOO()', false, error('missingFunction', 'there is no FOO with 0 parameters')],
    ["LEFT('abc', -1)", 'abc', error('functionEvaluation', 'LEFT cannot take -1 characters')],
  ];
  for (const [source, value, expected] of cases)
    t.strictSame(evaluate(source), expected === undefined ? { value } : { value, error: expected }, source);
  t.end();
});

t.test('what is no expression', (t) => {
  t.strictSame(compileCesql('ABC('), {
    kind: 'invalid',
    error: { code: 'parse', message: 'expected a value, found the end', at: 4 },
  });
  t.end();
});

t.test('functions that nobody knows', (t) => {
  const unknownIn = (source: string): unknown => {
    const compiled = compileCesql(source);
    return compiled.kind === 'compiled' && compiled.unknownFunctions;
  };
  t.same(unknownIn("UPPER(subject) = CONCAT('A')"), []);
  t.same(unknownIn('foo(1) = Foo(bar(2)) OR to_string() = 1'), ['FOO', 'BAR', 'TO_STRING']);
  t.same(unknownIn("LEFT('a') = SUBSTRING() AND CONSTRUCTOR()"), [
    'LEFT with 1 parameter',
    'SUBSTRING with 0 parameters',
    'CONSTRUCTOR',
  ]);
  t.end();
});

t.test('expressions that are made to cost', (t) => {
  const long = { ...event, subject: 'x'.repeat(60_000) };
  t.equal(evaluate(`CONCAT(${'subject,'.repeat(500)}subject)`, long).error?.code, 'functionEvaluation');
  const doubled = (levels: number): string =>
    levels === 0 ? 'subject' : `CONCAT(${doubled(levels - 1)},${doubled(levels - 1)})`;
  t.equal(evaluate(doubled(7), long).error?.code, 'functionEvaluation');
  t.equal(
    evaluate(`a${" LIKE''".repeat(585)}`).error?.code,
    'missingAttribute',
    'chains are no stack overflow',
  );
  t.equal(evaluate(`1${' IN(1)'.repeat(682)}`).value, true);
  t.equal(evaluate(`${'1+'.repeat(2_047)}1`).value, 2_048);
  t.equal(evaluate(`${'1='.repeat(2_047)}1`).value, true);
  t.end();
});

t.test('never throws', (t) => {
  const words = fc.constantFrom(
    ...['AND', 'OR', 'NOT', 'LIKE', 'IN', '(', ')', '+', '/', '=', '<', '-', ','],
    ...['subject', 'ttl', 'region', "'a%'", '0', '2147483647', 'TRUE', 'SUBSTRING(', 'FOO(', 'EXISTS hop'],
  );
  const soup = fc.array(words, { maxLength: 9 }).map((all) => all.join(' '));
  fc.assert(
    fc.property(fc.oneof(soup, fc.string({ unit: 'binary' })), (source) => {
      const compiled = compileCesql(source);
      if (compiled.kind === 'invalid') return compiled.error.code === 'parse';
      return typeof compiled.evaluate(event).value !== 'object';
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

/** How closely an expression binds: what binds less than its place asks for needs parentheses. */
function bindingOf(expression: Expression): number {
  switch (expression.kind) {
    case 'logic':
      return 0;
    case 'comparison':
      return 1;
    case 'arithmetic':
      return isSum(expression) ? 2 : 3;
    case 'like':
    case 'in':
      return 4;
    case 'not':
    case 'negate':
      return 5;
    default:
      return 6;
  }
}

function isSum({ steps }: { steps: readonly { operator: string }[] }): boolean {
  return steps.some(({ operator }) => operator === '+' || operator === '-');
}

/** `expression` as text, with no more parentheses than it needs. */
function print(expression: Expression, place = 0): string {
  const binding = bindingOf(expression);
  return binding < place ? `(${printBare(expression, binding)})` : printBare(expression, binding);
}

function printBare(expression: Expression, binding: number): string {
  const list = (all: readonly Expression[]): string => `(${all.map((one) => print(one)).join(', ')})`;
  switch (expression.kind) {
    case 'literal':
      return typeof expression.value === 'string' ? `'${expression.value}'` : String(expression.value);
    case 'attribute':
      return expression.name;
    case 'exists':
      return `EXISTS ${expression.name}`;
    case 'not':
      return `NOT ${print(expression.operand, 5)}`;
    case 'negate':
      return `- ${print(expression.operand, 5)}`;
    case 'like':
      return `${print(expression.operand, 4)} LIKE '${expression.pattern}'`;
    case 'in':
      return `${print(expression.operand, 4)} IN ${list(expression.elements)}`;
    case 'call':
      return `${expression.name}${list(expression.parameters)}`;
    default:
      return expression.steps.reduce(
        (text, { operator, operand }) => `${text} ${operator} ${print(operand, binding + 1)}`,
        print(expression.first, binding + 1),
      );
  }
}

t.test('printed and read again, an expression means the same', (t) => {
  const { any } = fc.letrec<Record<'any' | Expression['kind'], Expression>>((tie) => {
    const kind = <const Kind extends Expression['kind']>(name: Kind): fc.Arbitrary<Kind> => fc.constant(name);
    const some = fc.array(tie('any'), { minLength: 1, maxLength: 3 });
    const text = fc.constantFrom('', '5', 'true', 'order-7', 'x');
    const chain = <const Operators extends readonly string[]>(...operators: Operators) => ({
      first: tie('any'),
      steps: fc.array(
        fc.record({
          operator: fc.constantFrom<Operators[number][]>(...operators),
          operand: tie('any'),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    });
    const name = fc.constantFrom('id', 'subject', 'hop', 'ttl', 'yes', 'region');
    return {
      literal: fc.record({
        kind: kind('literal'),
        value: fc.oneof(
          text,
          fc.boolean(),
          fc.integer({ min: -2_147_483_648, max: 2_147_483_647 }),
          fc.integer({ min: -3, max: 3 }),
        ),
      }),
      attribute: fc.record({ kind: kind('attribute'), name }),
      exists: fc.record({ kind: kind('exists'), name }),
      not: fc.record({ kind: kind('not'), operand: tie('any') }),
      negate: fc.record({ kind: kind('negate'), operand: tie('any') }),
      like: fc.record({
        kind: kind('like'),
        operand: tie('any'),
        pattern: fc.constantFrom('%', 'order-_', '5', '\\%'),
      }),
      in: fc.record({ kind: kind('in'), operand: tie('any'), elements: some }),
      call: fc.record({
        kind: kind('call'),
        name: fc.constantFrom('ABS', 'CONCAT', 'LEFT', 'SUBSTRING', 'INT', 'IS_BOOL', 'FOO'),
        parameters: some,
      }),
      arithmetic: fc.oneof(
        fc.record({ kind: kind('arithmetic'), ...chain('+', '-') }),
        fc.record({ kind: kind('arithmetic'), ...chain('*', '/', '%') }),
      ),
      comparison: fc.record({ kind: kind('comparison'), ...chain('=', '!=', '<>', '<', '<=', '>', '>=') }),
      logic: fc.record({ kind: kind('logic'), ...chain('AND', 'OR', 'XOR') }),
      any: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        tie('literal'),
        tie('attribute'),
        tie('exists'),
        tie('not'),
        tie('negate'),
        tie('like'),
        tie('in'),
        tie('call'),
        tie('arithmetic'),
        tie('comparison'),
        tie('logic'),
      ),
    };
  });
  fc.assert(
    fc.property(any, (expression) => {
      const source = print(expression);
      fc.pre(source.length <= 4_096);
      const direct = evaluator(expression)(event);
      const { value, error } = evaluate(source);
      return typeof direct === 'object'
        ? value === direct.value && error?.message === direct.error.message
        : value === direct && error === undefined;
    }),
    { numRuns: 2_000 },
  );
  t.end();
});
