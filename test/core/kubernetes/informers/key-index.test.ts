import t from 'tap';
import { KeyIndex } from '../../../../core/kubernetes/informers/key-index.ts';

t.test('keys are found by what they name now', async (t) => {
  const index = new KeyIndex();
  index.set('a', ['x', 'y']);
  index.set('b', ['y']);
  t.strictSame([...index.of('y')], ['a', 'b']);
  index.set('a', ['z', 'y']);
  t.strictSame([...index.of('x')], []);
  t.strictSame([...index.of('z')], ['a']);
  index.set('a', []);
  index.set('b', []);
  index.set('never', []);
  t.equal(index.size, 0);
});
