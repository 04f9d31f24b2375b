import t from 'tap';
import { conditionFalse, conditionUnknown, conditionTrue } from '../../../controller/plan/condition-state.ts';

t.test('the three states of a condition', async (t) => {
  t.strictSame(conditionTrue('A', 'b'), { status: 'True', reason: 'A', message: 'b' });
  t.equal(conditionFalse('A', 'b').status, 'False');
  t.equal(conditionUnknown('A', 'b').status, 'Unknown');
});
