import t from 'tap';
import {
  checkMeter,
  CostExceeded,
  maxCost,
  spend,
  spentUnits,
  startMeter,
} from '../../../../core/expressions/cel/cost-meter.ts';

t.test('an account that is overdrawn stays so until the next one', (t) => {
  startMeter();
  spend(maxCost);
  checkMeter();
  t.throws(() => spend(1), CostExceeded);
  t.throws(() => checkMeter(), { message: /costs more than is allowed/ });
  t.equal(spentUnits(), maxCost + 1);
  startMeter();
  checkMeter();
  t.equal(spentUnits(), 0);
  t.end();
});
