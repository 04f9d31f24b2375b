import t from 'tap';
import { sourceReasons } from '../../../../controller/plan/conditions/source-reasons.ts';
import { checkRows } from '../../fixtures/reason-rows.ts';

t.test('each reason says what is the case, in which conditions, and in whole sentences', async (t) => {
  checkRows(t, sourceReasons);
});
