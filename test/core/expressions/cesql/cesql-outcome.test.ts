import t from 'tap';
import { failure, quote, withValue } from '../../../../core/expressions/cesql/cesql-outcome.ts';

t.test('a failure takes the zero value of the operator around it', (t) => {
  const failed = failure('math', 'by zero', 0);
  t.same(failed, { value: 0, error: { code: 'math', message: 'by zero' } });
  t.equal(withValue(failed, 0), failed, 'the same where nothing changes');
  t.same(withValue(failed, false), { value: false, error: { code: 'math', message: 'by zero' } });
  t.end();
});

t.test('values in messages', (t) => {
  t.equal(quote('a'), "'a'");
  t.equal(quote(12), '12');
  t.equal(quote(true), 'true');
  t.equal(quote('x'.repeat(41)), `'${'x'.repeat(40)}…'`);
  t.end();
});
