import t from 'tap';
import {
  isDeployment,
  isRef,
  workloadName,
  workloadOfDeployment,
  workloadOfScale,
} from '../../../controller/plan/workload.ts';
import { deployment, refTarget } from '../fixtures/observed-state.ts';

const statefulSet = { ...refTarget, resource: 'StatefulSet' };
const scale = {
  apiVersion: 'autoscaling/v1',
  kind: 'Scale',
  metadata: { name: 'mailer', namespace: 'geo' },
  spec: { replicas: 3 },
  status: { replicas: 2, selector: 'app=mailer' },
};

t.test('which targets are workloads, and which of them Deployments', async (t) => {
  t.ok(isDeployment(refTarget));
  t.ok(isRef(statefulSet));
  t.notOk(isDeployment(statefulSet));
  t.notOk(isDeployment({ ...refTarget, apiVersion: 'example.com/v1' }));
  for (const other of [
    { kind: 'service', name: 'mailer' },
    { kind: 'uri', uri: 'http://a' },
  ] as const) {
    t.notOk(isRef(other));
    t.notOk(isDeployment(other));
  }
  t.equal(workloadName(statefulSet), 'StatefulSet mailer');
});

t.test('a Deployment is read from the watch, any other kind from its scale', async (t) => {
  const selector = { kind: 'labels', labels: { app: 'mailer' } } as const;
  const common = { apiVersion: 'apps/v1', name: 'mailer', replicas: 2, selector };
  t.strictSame(workloadOfDeployment(deployment), { ...common, kind: 'Deployment', deployment });
  t.strictSame(workloadOfScale(statefulSet, scale), { ...common, kind: 'StatefulSet' });
});

t.test('without replicas in its status it has none', async (t) => {
  t.equal(workloadOfDeployment({ ...deployment, status: {} }).replicas, 0);
  t.match(workloadOfScale(statefulSet, { ...scale, status: {} }), {
    replicas: 0,
    selector: { kind: 'unsupported' },
  });
});
