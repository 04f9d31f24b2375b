import t from 'tap';
import type { Resource } from '../../../../core/contract/kubernetes-client.ts';
import {
  conditionOf,
  functionCondition,
  startLimitMs,
} from '../../../../controller/plan/conditions/function-condition.ts';
import { workloadOfDeployment, workloadOfScale } from '../../../../controller/plan/workload.ts';
import { deployment, nowMs, observedOf, refTarget } from '../../fixtures/observed-state.ts';

const deployed = (changes: Partial<Resource>) =>
  observedOf({ workload: { kind: 'found', workload: workloadOfDeployment({ ...deployment, ...changes }) } });
const ago = (ms: number): string => new Date(nowMs - ms).toISOString();

t.test('functions that are somewhere else', async (t) => {
  const uri = { kind: 'uri', uri: 'http://elsewhere:8080/a?b' } as const;
  t.match(functionCondition(observedOf(), uri), {
    status: 'True',
    reason: 'External',
    message: /http:\/\/elsewhere:8080\./,
  });
  const service = { kind: 'service', name: 'mailer' } as const;
  t.match(functionCondition(observedOf({ namedService: 'missing' }), service), { reason: 'ServiceMissing' });
});

t.test('a workload that cannot be used, and why', async (t) => {
  const rollout = { ...refTarget, apiVersion: 'argoproj.io/v1alpha1', resource: 'Rollout' };
  for (const [workload, status, reason, message] of [
    [undefined, 'Unknown', 'NotCheckedYet', /Rollout mailer has not been looked up/],
    [{ kind: 'missing' }, 'False', 'WorkloadMissing', /Rollout mailer does not exist/],
    [{ kind: 'kindMissing' }, 'False', 'KindNotServed', /Rollout of argoproj\.io\/v1alpha1.*CRD/],
    [{ kind: 'notScalable' }, 'False', 'KindNotScalable', /no scale subresource.*function\.service/],
    [
      { kind: 'forbidden', message: 'the right to get rollouts/scale is missing' },
      'False',
      'ScaleForbidden',
      /get rollouts\/scale is missing\. Grant/,
    ],
  ] as const)
    t.match(functionCondition(observedOf({ workload }), rollout), { status, reason, message });
  const scale = { ...deployment, status: { replicas: 1, selector: 'app=mailer' } };
  const found = { kind: 'found', workload: workloadOfScale(rollout, scale) } as const;
  t.match(functionCondition(observedOf({ workload: found }), rollout), {
    status: 'True',
    reason: 'WorkloadExists',
    message: /ready pods of Rollout mailer/,
  });
});

t.test('the Service beside it', async (t) => {
  const { owned } = observedOf();
  const foreign = { ...owned.service!, metadata: { name: 'quakes-millrace', namespace: 'geo' } };
  t.match(functionCondition(observedOf({ owned: { ...owned, service: foreign } }), refTarget), {
    status: 'False',
    reason: 'ServiceNotOurs',
    message: /quakes-millrace exists already/,
  });
  const refused = observedOf({
    owned: { ...owned, service: undefined },
    refusals: new Map([['service', 'quota']]),
  });
  t.match(functionCondition(refused, refTarget), { reason: 'ServiceRefused', message: /quota/ });
  const matchExpressions = [{ key: 'tier', operator: 'Exists' }];
  const selector = { matchLabels: { app: 'mailer' }, matchExpressions };
  t.match(functionCondition(deployed({ spec: { selector } }), refTarget), {
    status: 'False',
    reason: 'SelectorNotSupported',
    message: /Deployment mailer: it selects its pods by the expression .*"tier".*function\.service/,
  });
});

t.test('pods that do not come up', async (t) => {
  const stuck = { status: { conditions: [{ type: 'Progressing', status: 'False', message: 'deadline' }] } };
  t.match(functionCondition(deployed(stuck), refTarget), { reason: 'RolloutStuck', message: /deadline/ });
  const silent = { status: { conditions: [{ type: 'Progressing', status: 'False' }] } };
  t.match(functionCondition(deployed(silent), refTarget), { message: /kubectl describe deployment/ });

  const unready = (lastTransitionTime?: string) => ({
    status: { conditions: [{ type: 'Available', status: 'False', lastTransitionTime }] },
  });
  const old = unready(ago(startLimitMs + 1));
  t.match(functionCondition(deployed(old), refTarget), { status: 'False', reason: 'NoPodReady' });
  t.match(functionCondition(deployed(unready(ago(1_000))), refTarget), { status: 'True' }, 'it is starting');
  t.match(functionCondition(deployed(unready()), refTarget), { status: 'True' });
  const spec = { replicas: 0, selector: { matchLabels: { app: 'mailer' } } };
  t.match(functionCondition(deployed({ ...old, spec }), refTarget), { status: 'True' }, 'asleep is ready');
  t.match(functionCondition(deployed({ spec: { ...spec, paused: true } }), refTarget), {
    status: 'True',
    reason: 'RolloutPaused',
    message: /spec\.paused/,
  });
});

t.test('a resource without conditions has none', async (t) => {
  t.equal(conditionOf({ ...deployment, status: {} }, 'Available'), undefined);
});
