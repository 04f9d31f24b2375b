import t from 'tap';
import { functionReasons } from '../../../../controller/plan/conditions/function-reasons.ts';
import { checkRows } from '../../fixtures/reason-rows.ts';

t.test('each reason says what is the case, in which conditions, and in whole sentences', async (t) => {
  checkRows(t, functionReasons);
});
