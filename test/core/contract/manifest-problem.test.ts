import fc from 'fast-check';
import t from 'tap';
import { formatProblem, invalid, show, withoutCredentials } from '../../../core/contract/manifest-problem.ts';

t.test('a mistake in a manifest has the code of one', async (t) => {
  t.strictSame(invalid(['spec'], 'key', 'is wrong', 'Mend it.'), {
    code: 'MILLRACE_MANIFEST_INVALID',
    at: ['spec'],
    on: 'key',
    message: 'is wrong',
    remedy: 'Mend it.',
  });
});

for (const [value, shown] of [
  [null, 'empty'],
  [undefined, 'empty'],
  ['', 'empty'],
  ['ten', '"ten"'],
  ['a\nb', '"a\\nb"'],
  ['x'.repeat(60), `"${'x'.repeat(60)}"`],
  ['x'.repeat(61), `"${'x'.repeat(57)}…"`],
  [10, '10'],
  [Infinity, 'Infinity'],
  [false, 'false'],
  [[], 'an empty list'],
  [[1], 'a list'],
  [{}, 'an empty mapping'],
  [{ toString: 1 }, 'a mapping'],
] as const) {
  t.test(`${JSON.stringify(value)} is shown`, async (t) => t.equal(show(value), shown));
}

for (const [address, shown] of [
  ['kafka:9092', 'kafka:9092'],
  ['http://user:pass@host/path', '***@host/path'],
  ['user:p@ss@a:1,user:pass\nword@b:2', '***@b:2'],
] as const) {
  t.test(`of an address without credentials ${shown} is shown`, async (t) =>
    t.equal(withoutCredentials(address), shown),
  );
}

t.test('whatever it is, it is shown short and on one line', async (t) => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      if (typeof value === 'symbol' || typeof value === 'function') return;
      t.match(show(value), /^.{1,400}$/);
    }),
  );
});

t.test('a problem as one line, with whatever is known of its place', async (t) => {
  const problem = {
    code: 'MILLRACE_MANIFEST_INVALID',
    path: 'spec',
    message: 'is missing',
    remedy: 'Write it.',
  } as const;
  t.equal(
    formatProblem({ ...problem, file: 'a.yaml', line: 1, column: 2 }),
    'a.yaml:1:2 spec: is missing. Write it.',
  );
  t.equal(formatProblem({ ...problem, file: 'a.yaml' }), 'a.yaml spec: is missing. Write it.');
  t.equal(formatProblem(problem), 'spec: is missing. Write it.');
  t.equal(formatProblem({ ...problem, path: '' }), 'is missing. Write it.');
});

t.test('a mistake quotes no more than so much, however long its path is', async (t) => {
  const long = 'x'.repeat(10_000);
  const { code, message, remedy } = invalid(['spec'], 'key', long, long);
  t.equal(message, `${'x'.repeat(497)}…`);
  t.equal(remedy, message);
  t.equal(formatProblem({ code, path: long, message: 'a', remedy: 'B.' }), `${'x'.repeat(497)}…: a. B.`);
});
