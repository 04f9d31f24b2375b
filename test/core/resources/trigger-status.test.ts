import t from 'tap';
import { conditionTypes } from '../../../core/resources/trigger-status.ts';

t.test('Ready, which sums up the others, is shown first', async (t) => {
  t.equal(conditionTypes[0], 'Ready');
  t.equal(new Set(conditionTypes).size, conditionTypes.length);
});
