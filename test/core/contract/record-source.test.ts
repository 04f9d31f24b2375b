import t from 'tap';
import { CommitRefused } from '../../../core/contract/record-source.ts';

t.test('a commit that is refused says of which topics, what is stored, and why', async (t) => {
  const cause = new Error('deleted');
  const stored = [{ topic: 'orders', partition: 0, offset: 7n, metadata: '' }];
  const refused = new CommitRefused(new Set(['quakes', 'floods']), stored, cause);
  t.match(refused, { message: 'the group takes no offsets of quakes, floods', stored, cause });
  t.strictSame([...refused.topics], ['quakes', 'floods']);
});
