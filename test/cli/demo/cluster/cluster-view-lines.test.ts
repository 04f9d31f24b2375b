import t from 'tap';
import { TriggerStates } from '../../../../cli/demo/cluster/trigger-states.ts';
import { lineOf, tableOf } from '../../../../cli/demo/cluster/cluster-view-lines.ts';
import { MemoryKubernetes } from '../../../fixtures/kubernetes/memory-kubernetes.ts';
import { until } from '../../../scaler/fixtures/until.ts';

t.test('triggers and functions are shown as the API server has them', async (t) => {
  const client = new MemoryKubernetes();
  const end = new AbortController();
  t.teardown(() => end.abort());
  const states = await TriggerStates.start(client, 'demo', () => undefined, end.signal);
  const status = () => ({
    name: 'stats',
    ...states.trigger('stats'),
    replicas: states.replicas('stats'),
    arrived: 9,
    pending: 83,
  });
  t.match(lineOf(status()), /^stats 0\/0 ready, backlog 83, 9 arrived, not ready: NotSeen, .+$/);

  const metadata = { name: 'stats', namespace: 'demo' };
  const manager = { fieldManager: 'test' };
  const trigger = { apiVersion: 'millrace.dev/v1alpha1', kind: 'Trigger', metadata };
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata };
  await client.apply(trigger, manager);
  await client.apply({ ...deployment, spec: { replicas: 3 } }, manager);
  const conditions = [{ type: 'Ready', status: 'True', reason: 'Ready', message: 'all is well' }];
  const asStatus = { ...manager, subresource: 'status' } as const;
  await client.apply({ ...trigger, status: { backlog: '10-99', conditions } }, asStatus);
  await client.apply({ ...deployment, status: { readyReplicas: 1 } }, asStatus);
  await until(() => states.replicas('stats').ready === 1 && states.trigger('stats').ready === 'True', 5_000);

  t.equal(states.triggers, 1);
  t.equal(states.trigger('stats').backlog, '10-99');
  t.equal(lineOf(status()), 'stats 1/3 ready, backlog 83, 9 arrived');
  t.strictSame(tableOf([status()], 80), [
    'trigger  ready  reason  backlog  pods  arrived  replicas',
    'stats    True   Ready        83   1/3        9  ●○○',
  ]);
});
