import t from 'tap';
import type { Condition } from '../../../core/resources/trigger-status.ts';
import { newsOf } from '../../../controller/plan/condition-events.ts';

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
  t.strictSame(newsOf([], [missing]), [{ type: 'Warning', reason: 'TopicMissing', note: 'create it' }]);
  t.strictSame(newsOf([missing], [condition({ message: 'other words' })]), []);
  t.equal(newsOf([missing], [condition({ reason: 'NoGateway' })]).length, 1);
  t.equal(newsOf([condition({ status: 'True' })], [missing]).length, 1);
  t.strictSame(newsOf([missing], [condition({ status: 'True' }), condition({ status: 'Unknown' })]), []);
  t.strictSame(newsOf([], [condition({ reason: 'Suspended' })]), [], 'it was meant');
  const ready = condition({ type: 'Ready', status: 'True', reason: 'Ready' });
  t.match(newsOf([], [ready]), [{ type: 'Normal', reason: 'Ready' }]);
  t.strictSame(newsOf([ready], [ready]), []);
  t.strictSame(newsOf([ready], [condition({ type: 'Ready' })]), [], 'the condition that lacks says it');
});
