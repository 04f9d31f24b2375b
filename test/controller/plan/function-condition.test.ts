import t from 'tap';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import {
  conditionOf,
  isDeployment,
  functionCondition,
  startLimitMs,
} from '../../../controller/plan/function-condition.ts';
import { deployment, nowMs, observedOf, refTarget } from '../fixtures/observed-state.ts';

const deployed = (changes: Partial<Resource>) => observedOf({ deployment: { ...deployment, ...changes } });
const ago = (ms: number): string => new Date(nowMs - ms).toISOString();

t.test('functions that are somewhere else', async (t) => {
  const uri = { kind: 'uri', uri: 'http://elsewhere:8080/a?b' } as const;
  t.match(functionCondition(observedOf(), uri), {
    status: 'True',
    reason: 'External',
    message: /http:\/\/elsewhere:8080\./,
  });
  const service = { kind: 'service', name: 'mailer' } as const;
  for (const [serviceExists, status, reason] of [
    [undefined, 'Unknown', 'NotCheckedYet'],
    [false, 'False', 'ServiceMissing'],
    [true, 'True', 'ServiceExists'],
  ] as const)
    t.match(functionCondition(observedOf({ serviceExists }), service), {
      status,
      reason,
      message: /Service mailer/,
    });
});

t.test('a Deployment, and nothing else, is looked up', async (t) => {
  for (const other of [
    { ...refTarget, resource: 'StatefulSet' },
    { ...refTarget, apiVersion: 'example.com/v1' },
  ])
    t.match(functionCondition(observedOf(), other), { status: 'False', reason: 'KindNotSupported' });
  t.match(functionCondition(observedOf({ deployment: undefined }), refTarget), {
    reason: 'DeploymentMissing',
  });
  t.match(functionCondition(observedOf(), refTarget), { status: 'True', reason: 'DeploymentExists' });
});

t.test('only a ref can be a Deployment', async (t) => {
  t.ok(isDeployment(refTarget));
  t.notOk(isDeployment({ kind: 'service', name: 'mailer' }));
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
  t.match(functionCondition(deployed({ spec: { selector: { matchExpressions: [] } } }), refTarget), {
    reason: 'SelectorNotSupported',
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
  const asleep = { ...old, spec: { replicas: 0, selector: { matchLabels: { app: 'mailer' } } } };
  t.match(functionCondition(deployed(asleep), refTarget), { status: 'True' }, 'asleep is ready');
});

t.test('a resource without conditions has none', async (t) => {
  t.equal(conditionOf({ ...deployment, status: {} }, 'Available'), undefined);
});
