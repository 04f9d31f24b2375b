import t from 'tap';
import { scalerCondition } from '../../../../controller/plan/conditions/scaler-condition.ts';
import type { ObservedState } from '../../../../controller/plan/observed-state.ts';
import {
  appliedResources,
  observedOf,
  refTarget,
  scaledObjectOf,
  scaler,
  trigger,
  withConditions,
} from '../../fixtures/observed-state.ts';

const made = appliedResources();
const evaluate = (changes: Partial<ObservedState>) => scalerCondition(observedOf(changes), refTarget);

t.test('nothing to scale', async (t) => {
  const uri = { kind: 'uri', uri: 'http://elsewhere' } as const;
  t.match(scalerCondition(observedOf({ hasKeda: false }), uri), { status: 'True', reason: 'NotScaled' });
});

t.test('what keeps a ScaledObject from being made', async (t) => {
  const foreign = { ...made, scaledObject: scaledObjectOf({}) };
  const secured = { ...scaler, ca: 'PEM', namespaceAuthentication: 'scaler-ca' };
  const without = { ...made, scaledObject: undefined };
  const cases: [Partial<ObservedState>, string, string, RegExp][] = [
    [{ scaler: undefined }, 'False', 'ScalerUnnamed', /SCALER_SERVICE/],
    [{ hasKeda: false }, 'False', 'KedaMissing', /Install KEDA/],
    [{ workloadHolder: 'geo/other' }, 'False', 'TargetTaken', /geo\/other/],
    [{ workload: { kind: 'missing' } }, 'Unknown', 'WorkloadMissing', /mailer/],
    [{ workload: undefined }, 'Unknown', 'NotCheckedYet', /mailer/],
    [{ owned: foreign }, 'False', 'ScaledObjectNotOurs', /ScaledObject quakes exists already/],
    [
      { scaler: secured, authentication: { kind: 'foreign', resource: 'ConfigMap' } },
      'False',
      'ConfigMapNotOurs',
      /ConfigMap scaler-ca exists already/,
    ],
    [
      { authentication: { kind: 'refused', resource: 'TriggerAuthentication', message: 'no right' } },
      'False',
      'TriggerAuthenticationRefused',
      /no right/,
    ],
    [{ authentication: { kind: 'ready' }, owned: without }, 'Unknown', 'Creating', /being created/],
    [
      { owned: without, refusals: new Map([['scaledObject', 'webhook']]) },
      'False',
      'ScaledObjectRefused',
      /webhook/,
    ],
    [{ owned: without, probeResult: 'refused' }, 'False', 'ScalerUnreachable', /svc:6000.*refused/],
    [{ owned: without }, 'Unknown', 'Creating', /being created/],
    [{ owned: without, probeResult: true }, 'Unknown', 'Creating', /being created/],
  ];
  for (const [changes, status, reason, message] of cases)
    t.match(evaluate(changes), { status, reason, message }, reason);
});

t.test('what KEDA reports', async (t) => {
  const said = (conditions: Record<string, string>) =>
    evaluate({ owned: { ...made, scaledObject: withConditions(made.scaledObject!, conditions) } });
  t.match(said({ Ready: 'True', Active: 'False' }), { status: 'True', reason: 'Scaled' });
  t.match(said({ Ready: 'True', Paused: 'True' }), { status: 'True', reason: 'Paused' });
  t.match(said({ Ready: 'True', Fallback: 'True' }), { status: 'False', reason: 'FallbackActive' });
  t.match(said({ Ready: 'Unknown' }), { status: 'Unknown', reason: 'WaitingForKeda' });
  t.match(said({}), { status: 'Unknown', reason: 'WaitingForKeda' });
  t.match(said({ Ready: 'False' }), {
    status: 'False',
    reason: 'KedaRefuses',
    message: /not ready: see the log of its operator/,
  });
  const notReady = { type: 'Ready', status: 'False', reason: 'TriggerError', message: 'it is away' };
  const refused = { ...made.scaledObject!, status: { conditions: [notReady] } };
  t.match(evaluate({ owned: { ...made, scaledObject: refused } }), { message: /TriggerError: it is away/ });
});

t.test('a condition that KEDA forgets for a moment stays, for the same ScaledObject', async (t) => {
  const before = {
    type: 'ScalerReady',
    status: 'True',
    reason: 'Scaled',
    message: 'KEDA scales it.',
    lastTransitionTime: '2026-01-01T12:00:00Z',
  };
  const forgetting = (creationTimestamp: string | undefined, was = before, reason?: string) => {
    const { scaledObject } = made;
    const metadata = {
      ...scaledObject!.metadata,
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    };
    const conditions = [{ type: 'Ready', status: 'Unknown', reason }];
    return evaluate({
      trigger: { ...trigger, status: { conditions: [was] } },
      owned: { ...made, scaledObject: { ...scaledObject!, metadata, status: { conditions } } },
    });
  };
  const { status, reason, message } = before;
  t.strictSame(forgetting('2026-01-01T12:00:00Z'), { status, reason, message });
  const waiting = { status: 'Unknown', reason: 'WaitingForKeda' };
  t.match(forgetting('2026-01-01T12:00:01Z'), waiting, 'it was about another ScaledObject');
  t.match(forgetting(undefined), waiting);
  t.match(forgetting('2026-01-01T12:00:00Z', { ...before, status: 'Unknown' }), waiting);
  t.match(forgetting('2026-01-01T12:00:00Z', before, 'PartialTriggerError'), waiting, 'it means something');
});
