import t from 'tap';
import type { ExpressionDialect } from '../../../core/contract/expressions.ts';
import { checkExpression, compileExpression } from '../../../core/expressions/compile-expression.ts';
import { eventWith } from './cel/event.ts';

const event = eventWith({ mag: 6 });

t.test('an expression as a filter', (t) => {
  const cases: [dialect: ExpressionDialect, expression: string, verdict: unknown][] = [
    ['cel', 'data.mag > 5.0', true],
    ['cel', 'data.mag > 7.0', false],
    ['cel', 'data.mag', { code: 'noBoolean' }],
    ['cel', "subject == 'x'", { code: 'missingAttribute', message: 'the event has no attribute subject' }],
    ['cesql', "region = 'eu'", true],
    ['cesql', "region = 'us'", false],
    ['cesql', 'kafkapartition', true],
    ['cesql', "'FALSE'", false],
    ['cesql', 'region', { code: 'cast' }],
    ['cesql', 'subject', { code: 'missingAttribute' }],
  ];
  for (const [dialect, expression, verdict] of cases)
    t.match(compileExpression(dialect, expression)(event), verdict, expression);
  t.end();
});

t.test('what is wrong with an expression on any event', (t) => {
  t.equal(checkExpression('cel', 'true'), undefined);
  t.equal(checkExpression('cesql', 'TRUE'), undefined);
  t.match(checkExpression('cel', '1 +'), { message: /.+/, at: 2 });
  t.match(checkExpression('cesql', '1 +'), { message: /.+/, at: 3 });
  t.match(checkExpression('cesql', 'FOO(BAR(1)) = 1'), { message: /^there is no function .*FOO/ });
  t.throws(() => compileExpression('cel', '1 +'), { name: 'TypeError', message: /^cel 1 \+: / });
  t.end();
});
