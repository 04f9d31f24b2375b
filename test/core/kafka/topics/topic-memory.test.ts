import t from 'tap';
import { TopicMemory } from '../../../../core/kafka/topics/topic-memory.ts';

t.test('what the first scan lacks came later, and so did what was read before', async (t) => {
  const memory = new TopicMemory();
  t.notOk(memory.isLater('a'), 'nothing is known');
  memory.scanned(['a']);
  memory.scanned(['a', 'b']);
  t.notOk(memory.isLater('a'));
  t.ok(memory.isLater('b'));
  t.notOk(memory.hasBegun('a'));
  memory.begin('a', undefined);
  t.ok(memory.hasBegun('a'));
  t.ok(memory.isLater('a'));
});

t.test('another id is another topic; no id tells nothing', async (t) => {
  const memory = new TopicMemory();
  t.notOk(memory.isAnother('a', 'x'));
  memory.begin('a', 'x');
  t.equal(memory.idOf('a'), 'x');
  t.notOk(memory.isAnother('a', 'x'));
  t.notOk(memory.isAnother('a', undefined));
  t.ok(memory.isAnother('a', 'y'));
  memory.begin('a', undefined);
  t.ok(memory.isAnother('a', 'y'), 'the id is not forgotten');
  t.notOk(memory.isAgain('a'));
  memory.noteAgain('a');
  t.ok(memory.isAgain('a'));
});
