import t from 'tap';
import { compileTopicPattern } from '../../../core/contract/topic-pattern.ts';

t.test('a topic pattern matches whole names', async (t) => {
  const pattern = compileTopicPattern('orders|payments');
  t.ok(pattern?.test('orders'));
  t.ok(pattern?.test('payments'));
  t.notOk(pattern?.test('orders-dead'));
  t.notOk(pattern?.test('my-payments'));
  t.equal(compileTopicPattern('('), undefined);
  t.equal(compileTopicPattern('a'.repeat(1_001)), undefined, 'too long');
  t.equal(compileTopicPattern('(a{30}){30}'), undefined, 'too many instructions');
});

t.test('no topic pattern costs more than its length and that of the name', async (t) => {
  for (const pattern of [String.raw`(\w+\.?)+!`, '(a+)+b', '(a|aa)*b', '(.*)*x', '(a?){60}a{60}b'])
    t.equal(compileTopicPattern(pattern)?.test('a'.repeat(249)), false, pattern);
});
