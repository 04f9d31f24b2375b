import t from 'tap';
import { acceptedCondition } from '../../../../controller/plan/conditions/accepted-condition.ts';
import { observedOf } from '../../fixtures/observed-state.ts';

t.test('right or wrong, by itself and beside the others', async (t) => {
  t.match(acceptedCondition(observedOf()), { status: 'True', reason: 'Accepted' });
  const parsed = { kind: 'wrong', reason: 'InvalidSpec', message: 'spec.retry …' } as const;
  t.strictSame(acceptedCondition(observedOf({ parsed })), {
    status: 'False',
    reason: 'InvalidSpec',
    message: 'spec.retry …',
  });
  t.match(acceptedCondition(observedOf({ groupHolder: 'geo/older' })), {
    status: 'False',
    reason: 'ConsumerGroupTaken',
    message: /millrace\.geo\.quakes belongs to Trigger geo\/older/,
  });
  t.match(acceptedCondition(observedOf({ annotationsIgnored: true })), {
    status: 'True',
    reason: 'AnnotationsIgnored',
    message: /Deployment quakes/,
  });
});
