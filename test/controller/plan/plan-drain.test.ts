import t from 'tap';
import { drainFinalizer } from '../../../controller/ownership.ts';
import { drainLimitMs, planDrain } from '../../../controller/plan/plan-drain.ts';
import { nowMs, scaledObjectOf, trigger } from '../fixtures/observed-state.ts';

const deletionTimestamp = '2026-01-02T03:04:05Z';
const leaving = { ...trigger, metadata: { ...trigger.metadata, deletionTimestamp } };
const drain = (changes: Partial<Parameters<typeof planDrain>[0]>) =>
  planDrain({
    nowMs,
    trigger: leaving,
    members: 0,
    scaledObject: undefined,
    isTerminating: false,
    ...changes,
  });

t.test('first the gateways leave, then KEDA gives the replicas back, then the finalizer goes', async (t) => {
  const scaledObject = scaledObjectOf({});
  t.match(drain({ members: 2, scaledObject }), { kind: 'wait', reason: /in flight/ });
  t.match(drain({ members: undefined, scaledObject }), { kind: 'wait' }, 'Kafka does not answer');
  t.match(drain({ scaledObject }), {
    kind: 'deleteScaledObject',
    resource: scaledObject,
    timeoutNote: undefined,
  });
  t.match(drain({ scaledObject: scaledObjectOf({ deletionTimestamp }) }), { kind: 'wait', reason: /KEDA/ });
  t.match(drain({}), { kind: 'removeFinalizer', timeoutNote: undefined });
});

t.test('nothing is waited for without end', async (t) => {
  const late = nowMs + drainLimitMs;
  t.match(drain({ members: 2, nowMs: late }), {
    kind: 'removeFinalizer',
    timeoutNote: /Gateways may still be in the consumer group/,
  });
  t.match(drain({ members: undefined, nowMs: late, scaledObject: scaledObjectOf({}) }), {
    kind: 'deleteScaledObject',
    timeoutNote: /Gateways/,
  });
  const going = scaledObjectOf({ deletionTimestamp });
  t.match(drain({ nowMs: late, scaledObject: going }), { kind: 'wait' });
  t.match(drain({ nowMs: late + drainLimitMs, scaledObject: going }), {
    kind: 'removeFinalizer',
    timeoutNote: /quakes/,
  });
});

t.test('a trigger without the finalizer is not drained', async (t) => {
  const { finalizers: _finalizers, ...metadata } = leaving.metadata;
  t.match(drain({ trigger: { ...leaving, metadata } }), { kind: 'nothing' });
  const other = { ...leaving, metadata: { ...leaving.metadata, finalizers: ['other'] } };
  t.match(drain({ trigger: other }), { kind: 'nothing' });
  const odd = { ...trigger, metadata: { ...trigger.metadata, finalizers: [drainFinalizer] } };
  t.match(
    drain({ trigger: odd, members: 2 }),
    { kind: 'removeFinalizer' },
    'without a time nothing is waited for',
  );
});

t.test('in a namespace that is being deleted, nothing is waited for', async (t) => {
  t.match(drain({ isTerminating: true, members: 2, scaledObject: scaledObjectOf({}) }), {
    kind: 'removeFinalizer',
    timeoutNote: undefined,
  });
});
