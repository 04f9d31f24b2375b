import t from 'tap';
import { no, unknown, yes } from '../../../controller/plan/findings.ts';

t.test('in short', async (t) => {
  t.strictSame(yes('A', 'b'), { status: 'True', reason: 'A', message: 'b' });
  t.equal(no('A', 'b').status, 'False');
  t.equal(unknown('A', 'b').status, 'Unknown');
});
