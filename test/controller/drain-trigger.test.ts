import t from 'tap';
import { MillraceError } from '../../core/contract/errors.ts';
import { namespaceKind, scaledObjectKind, triggerKind } from '../../core/resources/kinds.ts';
import { startSmallScaler } from './fixtures/scaler.ts';
import { deploymentOf, startTestController, triggerOf } from './fixtures/test-controller.ts';

t.setTimeout(120_000);

t.test('a deletion that cannot go on says why', async (t) => {
  const scaler = await startSmallScaler(t);
  const { client, ...controller } = startTestController(t, { scaler });
  await client.create(deploymentOf('mailer'));
  await client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
  await controller.untilThere(scaledObjectKind, 'quakes');
  await controller.untilCondition('quakes', 'SourceReady', 'Consuming');
  controller.kafka.members = 0;
  client.fails = (verb, kind) =>
    verb === 'remove' && kind === 'ScaledObject'
      ? new MillraceError('MILLRACE_KUBERNETES_FORBIDDEN', 'no right')
      : undefined;
  await client.remove(triggerKind, 'geo', 'quakes');
  const told = await controller.untilCondition('quakes', 'ScalerReady', 'ReconcileFailed');
  t.match(told, { status: 'False', message: /the deletion waits: no right/ });
  client.fails = undefined;
  await controller.untilGone(triggerKind, 'quakes');
});

t.test('a deleted Trigger whose spec has become wrong still waits for the group that it had', async (t) => {
  const { client, ...controller } = startTestController(t);
  await client.create(deploymentOf('mailer'));
  await client.create(triggerOf('quakes', { topics: ['earthquakes'], group: 'g' }));
  await controller.untilCondition('quakes', 'SourceReady', 'Consuming');
  await client.patch(triggerKind, 'geo', 'quakes', { spec: { source: { topics: null } } });
  await controller.untilCondition('quakes', 'Accepted', 'InvalidSpec');
  t.match(await client.get(triggerKind, 'geo', 'quakes'), {
    status: {
      accepted: { generation: 1, spec: { source: { topics: ['earthquakes'], consumerGroup: 'g' } } },
    },
  });
  await client.remove(triggerKind, 'geo', 'quakes');
  await controller.settled();
  t.ok(await client.get(triggerKind, 'geo', 'quakes'), 'its gateways have not left');
  controller.kafka.members = 0;
  await controller.untilGone(triggerKind, 'quakes');
});

t.test('in a namespace that is being deleted, a Trigger goes at once', async (t) => {
  const { client, ...controller } = startTestController(t);
  const { apiVersion, kind } = namespaceKind;
  await client.create({ apiVersion, kind, metadata: { name: 'geo' } });
  await client.apply(
    { apiVersion, kind, metadata: { name: 'geo' }, status: { phase: 'Terminating' } },
    { fieldManager: 'test', subresource: 'status' },
  );
  await client.create(deploymentOf('mailer'));
  await client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
  await controller.untilCondition('quakes', 'SourceReady', 'Consuming');
  t.notOk(
    client.asked.some((one) => one.startsWith('get Namespace')),
    'asked only for what is deleted',
  );
  await client.remove(triggerKind, 'geo', 'quakes');
  await controller.untilGone(triggerKind, 'quakes');
  t.equal(controller.kafka.members, 1);
});
