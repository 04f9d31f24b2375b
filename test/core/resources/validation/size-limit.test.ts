import t from 'tap';
import { findExcess } from '../../../../core/resources/validation/size-limit.ts';

const find = (spec: unknown) => findExcess({ spec }, ['spec'], 1024);
const nested = (depth: number): object => (depth === 0 ? {} : { a: nested(depth - 1) });

t.test('the bytes of all names and values count, and no others', async (t) => {
  for (const spec of [
    undefined,
    null,
    {},
    { a: 'x'.repeat(1023) },
    ['é'.repeat(512)],
    { abcd: [1234, true] },
  ])
    t.equal(find(spec), undefined);
  for (const spec of [
    { a: 'x'.repeat(1024) },
    ['é'.repeat(513)],
    { ['x'.repeat(1025)]: '' },
    Array(2000).fill([]),
  ]) {
    const { at, message, remedy } = find(spec) ?? {};
    t.strictSame(
      [at, message, remedy],
      [['spec'], 'must hold at most 1 KiB of names and values', 'Write less of it.'],
    );
  }
});

t.test('it may nest 64 levels deep', async (t) => {
  t.equal(find(nested(63)), undefined);
  t.match(find(nested(64)), { message: 'must not nest more than 64 levels deep' });
});
