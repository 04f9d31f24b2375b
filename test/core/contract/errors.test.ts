import t from 'tap';
import { describeError, errorFields, errorTable, MillraceError } from '../../../core/contract/errors.ts';

t.test('every code says its area, and every remedy is a sentence', async (t) => {
  for (const [code, remedy] of Object.entries(errorTable)) {
    t.match(code, /^MILLRACE_[A-Z]+(_[A-Z]+)+$/);
    t.match(remedy, /^[A-Z].*\.$/s, code);
  }
});

t.test('an error carries its code, its cause and what to do', async (t) => {
  const cause = new Error('ECONNREFUSED');
  const error = new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'no broker answers', { cause });
  t.ok(error instanceof Error);
  t.equal(error.name, 'MillraceError');
  t.equal(error.code, 'MILLRACE_KAFKA_UNREACHABLE');
  t.equal(error.message, 'no broker answers');
  t.equal(error.remedy, errorTable.MILLRACE_KAFKA_UNREACHABLE);
  t.equal(error.cause, cause);
});

t.test('an error is described with what lay beneath it', async (t) => {
  t.equal(describeError(new Error('a')), 'a');
  t.equal(describeError(new Error('a', { cause: new Error('b', { cause: 'c' }) })), 'a: b: c');
  t.equal(describeError(new TypeError('')), 'TypeError');
  t.equal(describeError(new AggregateError([new Error('a'), new Error('b')])), 'a');
  t.equal(describeError(new AggregateError([new Error('a')], 'all failed')), 'all failed');
  t.equal(describeError(new AggregateError([])), 'AggregateError');
  t.equal(describeError('thrown as it is'), 'thrown as it is');
  t.equal(describeError(undefined), 'undefined');
});

t.test('a log shows what happened, and of our own errors also what to do', async (t) => {
  t.strictSame(errorFields(new Error('a', { cause: 'b' })), { error: 'a: b' });
  t.strictSame(errorFields(new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'no broker answers')), {
    error: 'no broker answers',
    code: 'MILLRACE_KAFKA_UNREACHABLE',
    remedy: errorTable.MILLRACE_KAFKA_UNREACHABLE,
  });
});
