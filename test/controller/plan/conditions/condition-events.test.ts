import t from 'tap';
import type { Condition } from '../../../../core/resources/trigger-status.ts';
import { conditionEventsOf } from '../../../../controller/plan/conditions/condition-events.ts';

const condition = (changes: Partial<Condition>): Condition => ({
  type: 'SourceReady',
  status: 'False',
  reason: 'TopicMissing',
  message: 'create it',
  lastTransitionTime: '2026-01-02T03:04:05Z',
  ...changes,
});

t.test('what turned false, once for each reason; and Ready when it turned true', async (t) => {
  const missing = condition({});
  t.strictSame(conditionEventsOf([], [missing]), [
    { type: 'Warning', reason: 'TopicMissing', note: 'create it' },
  ]);
  t.strictSame(conditionEventsOf([missing], [condition({ message: 'other words' })]), []);
  t.equal(conditionEventsOf([missing], [condition({ reason: 'NoGateway' })]).length, 1);
  t.equal(conditionEventsOf([condition({ status: 'True' })], [missing]).length, 1);
  t.strictSame(
    conditionEventsOf([missing], [condition({ status: 'True' }), condition({ status: 'Unknown' })]),
    [],
  );
  t.strictSame(conditionEventsOf([], [condition({ reason: 'Suspended' })]), [], 'it was meant');
  const ready = condition({ type: 'Ready', status: 'True', reason: 'Ready' });
  t.match(conditionEventsOf([], [ready]), [{ type: 'Normal', reason: 'Ready' }]);
  t.strictSame(conditionEventsOf([ready], [ready]), []);
  t.strictSame(
    conditionEventsOf([ready], [condition({ type: 'Ready' })]),
    [],
    'the condition that lacks says it',
  );
});
