import t from 'tap';
import { findWrongExpressions } from '../../../../core/resources/validation/find-wrong-expressions.ts';
import type { CheckExpression } from '../../../../core/contract/expressions.ts';
import { pathText } from '../../../../core/contract/path.ts';

const long = `${'x'.repeat(100)}!`;

const check: CheckExpression = (dialect, expression) => {
  if (expression.startsWith('right')) return undefined;
  if (expression === 'nowhere') return { message: 'it is none' };
  return { message: `${dialect} ends before`, at: expression.indexOf('!') + 1 };
};

function told(filters: unknown): string[] {
  return findWrongExpressions({ spec: { filters } }, check).map(
    ({ code, at, message, remedy }) => `${code} ${pathText(at)}: ${message}. ${remedy}`,
  );
}

t.test('expressions are found wherever filters nest, and told with their places', (t) => {
  const filters = [
    { cel: 'right' },
    { cesql: 'a!b' },
    { all: [{ any: [{ exact: { cel: 'a!b' } }, { cel: 'nowhere' }] }] },
    { not: { not: { cesql: 'a!' } } },
    { cel: `${long}${long}` },
  ];
  t.strictSame(told(filters), [
    'MILLRACE_MANIFEST_INVALID spec.filters[1].cesql: is not valid CloudEvents SQL: cesql ends before, at "b" (character 3). ' +
      'Correct it. `millrace try --cesql EXPR` shows what an expression gives for an event.',
    'MILLRACE_MANIFEST_INVALID spec.filters[2].all[0].any[1].cel: is not valid CEL: it is none. ' +
      'Correct it. `millrace try --cel EXPR` shows what an expression gives for an event.',
    'MILLRACE_MANIFEST_INVALID spec.filters[3].not.not.cesql: is not valid CloudEvents SQL: cesql ends before, at its end. ' +
      'Correct it. `millrace try --cesql EXPR` shows what an expression gives for an event.',
    `MILLRACE_MANIFEST_INVALID spec.filters[4].cel: is not valid CEL: cel ends before, at "${'x'.repeat(57)}…" (character 102). ` +
      'Correct it. `millrace try --cel EXPR` shows what an expression gives for an event.',
  ]);
  t.end();
});

t.test('what is no filter has no expressions', (t) => {
  for (const filters of [undefined, null, 'cel', {}, [null, 7, { cel: 7 }, { all: 'a' }, { cql: 'a' }]])
    t.strictSame(told(filters), []);
  t.strictSame(findWrongExpressions('trigger', check), []);
  t.end();
});
