import t from 'tap';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import {
  conditionOf,
  isDeployment,
  judgeFunction,
  startLimitMs,
} from '../../../controller/plan/judge-function.ts';
import { deployment, nowMs, observedOf, refTarget } from '../fixtures/observed.ts';

const deployed = (changes: Partial<Resource>) => observedOf({ deployment: { ...deployment, ...changes } });
const ago = (ms: number): string => new Date(nowMs - ms).toISOString();

t.test('functions that are somewhere else', async (t) => {
  const uri = { kind: 'uri', uri: 'http://elsewhere:8080/a?b' } as const;
  t.match(judgeFunction(observedOf(), uri), {
    status: 'True',
    reason: 'External',
    message: /http:\/\/elsewhere:8080;/,
  });
  const service = { kind: 'service', name: 'mailer' } as const;
  for (const [serviceThere, status, reason] of [
    [undefined, 'Unknown', 'NotLookedYet'],
    [false, 'False', 'ServiceMissing'],
    [true, 'True', 'ServiceExists'],
  ] as const)
    t.match(judgeFunction(observedOf({ serviceThere }), service), {
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
    t.match(judgeFunction(observedOf(), other), { status: 'False', reason: 'KindNotSupported' });
  t.match(judgeFunction(observedOf({ deployment: undefined }), refTarget), { reason: 'DeploymentMissing' });
  t.match(judgeFunction(observedOf(), refTarget), { status: 'True', reason: 'DeploymentExists' });
});

t.test('only a ref can be a Deployment', async (t) => {
  t.ok(isDeployment(refTarget));
  t.notOk(isDeployment({ kind: 'service', name: 'mailer' }));
});

t.test('the Service beside it', async (t) => {
  const { companions } = observedOf();
  const foreign = { ...companions.service!, metadata: { name: 'quakes-millrace', namespace: 'geo' } };
  t.match(judgeFunction(observedOf({ companions: { ...companions, service: foreign } }), refTarget), {
    status: 'False',
    reason: 'ServiceNotOurs',
    message: /quakes-millrace is there already/,
  });
  const refused = observedOf({
    companions: { ...companions, service: undefined },
    refusals: new Map([['service', 'quota']]),
  });
  t.match(judgeFunction(refused, refTarget), { reason: 'ServiceRefused', message: /quota/ });
  t.match(judgeFunction(deployed({ spec: { selector: { matchExpressions: [] } } }), refTarget), {
    reason: 'SelectorNotSupported',
  });
});

t.test('pods that do not come up', async (t) => {
  const stuck = { status: { conditions: [{ type: 'Progressing', status: 'False', message: 'deadline' }] } };
  t.match(judgeFunction(deployed(stuck), refTarget), { reason: 'RolloutStuck', message: /deadline/ });
  const silent = { status: { conditions: [{ type: 'Progressing', status: 'False' }] } };
  t.match(judgeFunction(deployed(silent), refTarget), { message: /kubectl describe deployment/ });

  const unready = (lastTransitionTime?: string) => ({
    status: { conditions: [{ type: 'Available', status: 'False', lastTransitionTime }] },
  });
  const old = unready(ago(startLimitMs + 1));
  t.match(judgeFunction(deployed(old), refTarget), { status: 'False', reason: 'NoPodReady' });
  t.match(judgeFunction(deployed(unready(ago(1_000))), refTarget), { status: 'True' }, 'it is starting');
  t.match(judgeFunction(deployed(unready()), refTarget), { status: 'True' });
  const asleep = { ...old, spec: { replicas: 0, selector: { matchLabels: { app: 'mailer' } } } };
  t.match(judgeFunction(deployed(asleep), refTarget), { status: 'True' }, 'asleep is ready');
});

t.test('a resource without conditions has none', async (t) => {
  t.equal(conditionOf({ ...deployment, status: {} }, 'Available'), undefined);
});
