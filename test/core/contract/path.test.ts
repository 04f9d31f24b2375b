import t from 'tap';
import { isMapping, pathText, valueAt } from '../../../core/contract/path.ts';

t.test('a path as text', async (t) => {
  t.equal(pathText([]), '');
  t.equal(pathText(['spec', 'filters', 0, 'exact']), 'spec.filters[0].exact');
  t.equal(
    pathText(['metadata', 'annotations', 'millrace.dev/retry']),
    'metadata.annotations["millrace.dev/retry"]',
  );
  t.equal(pathText(['a "b"', 'c']), '["a \\"b\\""].c');
});

t.test('the value at a path', async (t) => {
  const value = { a: [{ b: 1 }], n: null, text: 'x' };
  t.equal(valueAt(value, []), value);
  t.equal(valueAt(value, ['a', 0, 'b']), 1);
  for (const path of [['a', 1], ['a', 0, 'c'], ['n', 'x'], ['text', 'length'], ['toString'], ['__proto__']]) {
    t.equal(valueAt(value, path), undefined, pathText(path));
  }
});

t.test('what is a mapping', async (t) => {
  t.ok(isMapping({}));
  for (const value of [null, undefined, [], 'a', 1]) t.notOk(isMapping(value));
});
