import t from 'tap';
import { judgeAccepted } from '../../../controller/plan/judge-accepted.ts';
import { observedOf } from '../fixtures/observed.ts';

t.test('right or wrong, by itself and beside the others', async (t) => {
  t.match(judgeAccepted(observedOf()), { status: 'True', reason: 'Accepted' });
  const reading = { kind: 'wrong', reason: 'InvalidSpec', message: 'spec.retry …' } as const;
  t.strictSame(judgeAccepted(observedOf({ reading })), {
    status: 'False',
    reason: 'InvalidSpec',
    message: 'spec.retry …',
  });
  t.match(judgeAccepted(observedOf({ groupOf: 'geo/older' })), {
    status: 'False',
    reason: 'ConsumerGroupTaken',
    message: /millrace\.geo\.quakes is that of Trigger geo\/older/,
  });
  t.match(judgeAccepted(observedOf({ shadows: true })), {
    status: 'True',
    reason: 'AnnotationsIgnored',
    message: /Deployment quakes/,
  });
});
