import t from 'tap';
import { MillraceError } from '../../core/contract/errors.ts';
import {
  configMapKind,
  deploymentKind,
  eventKind,
  scaledObjectKind,
  serviceKind,
  triggerAuthenticationKind,
  triggerKind,
} from '../../core/resources/kinds.ts';
import * as kinds from '../../core/resources/kinds.ts';
import type { ApplyOptions, Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../core/contract/path.ts';
import { MemoryKubernetes } from '../fixtures/kubernetes/memory-kubernetes.ts';
import { startSmallScaler } from './fixtures/scaler.ts';
import { deploymentOf, startTestController, triggerOf, type SmallSpec } from './fixtures/test-controller.ts';

t.setTimeout(120_000);
const optIn = { 'millrace.dev/topics': 'earthquakes' };

const beside = [configMapKind, triggerAuthenticationKind];

t.test('with TLS, one TriggerAuthentication serves all triggers of a namespace', async (t) => {
  const scaler = await startSmallScaler(t);
  const secured = { ...scaler, ca: 'PEM', namespaceAuthentication: 'scaler-ca', tlsRevision: 'a1' };
  const { client, ...controller } = startTestController(t, { scaler: secured });
  for (const name of ['mailer', 'mapper']) await client.create(deploymentOf(name, optIn));
  for (const name of ['mailer', 'mapper']) {
    const made = await controller.untilThere(scaledObjectKind, name);
    t.match(made, { spec: { triggers: [{ authenticationRef: { name: 'scaler-ca' } }] } });
  }
  for (const kind of beside) {
    t.ok(await client.get(kind, 'geo', 'scaler-ca'));
    t.equal(client.asked.filter((one) => one === `apply ${kind.kind} geo/scaler-ca`).length, 1);
  }
  client.asked.length = 0;
  controller.loop.resync();
  await controller.settled();
  t.strictSame(
    client.asked.filter((one) => /ConfigMap|TriggerAuthentication/.test(one)),
    [],
    'a reconcile does not read them',
  );

  controller.kafka.members = 0;
  await client.remove(deploymentKind, 'geo', 'mailer');
  await controller.untilGone(triggerKind, 'mailer');
  for (const kind of beside) t.ok(await client.get(kind, 'geo', 'scaler-ca'), 'the other trigger needs it');
  await client.remove(deploymentKind, 'geo', 'mapper');
  await controller.untilGone(triggerKind, 'mapper');
  for (const kind of beside) t.equal(await client.get(kind, 'geo', 'scaler-ca'), undefined);
});

t.test('what somebody else has made under its name is told, and nothing is scaled', async (t) => {
  const scaler = await startSmallScaler(t);
  const secured = { ...scaler, ca: 'PEM', namespaceAuthentication: 'scaler-ca' };
  const { client, ...controller } = startTestController(t, { scaler: secured });
  await client.create({ ...triggerOf('scaler-ca', {}), ...configMapKind, data: { theirs: 'yes' } });
  await client.create(deploymentOf('mailer', optIn));
  const told = await controller.untilCondition('mailer', 'ScalerReady', 'ConfigMapNotOurs');
  t.match(told, { status: 'False', message: /scaler-ca exists already/ });
  t.equal(await client.get(scaledObjectKind, 'geo', 'mailer'), undefined);
  await client.remove(configMapKind, 'geo', 'scaler-ca');
  await controller.untilThere(scaledObjectKind, 'mailer');
});

t.test('a workload of any kind is read by its scale, and read again until it can be used', async (t) => {
  const scaler = await startSmallScaler(t);
  const statefulSetKind = { apiVersion: 'apps/v1', kind: 'StatefulSet', plural: 'statefulsets' };
  const all = [...Object.values(kinds), statefulSetKind];
  const { client, ...controller } = startTestController(t, {
    scaler,
    client: new MemoryKubernetes({ kinds: all }),
  });
  const refTo = (ref: NonNullable<SmallSpec['ref']>): SmallSpec => ({ topics: ['earthquakes'], ref });
  await client.create(triggerOf('quakes', refTo({ kind: 'StatefulSet' })));
  await controller.untilCondition('quakes', 'FunctionReady', 'WorkloadMissing');
  const statefulSet = { ...deploymentOf('mailer'), kind: 'StatefulSet', status: { replicas: 2 } };
  await client.create(statefulSet);
  await client.apply(
    { ...triggerOf('mailer', {}), ...statefulSetKind, status: { replicas: 2 } },
    { fieldManager: 'test', subresource: 'status' },
  );
  controller.loop.resync();
  t.match(await controller.untilThere(scaledObjectKind, 'quakes'), {
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'mailer' } },
  });
  t.match(await controller.untilThere(serviceKind, 'quakes-millrace'), {
    spec: { selector: { app: 'mailer' } },
  });
  await controller.untilCondition('quakes', 'FunctionReady', 'WorkloadExists');
  t.match(await client.get(triggerKind, 'geo', 'quakes'), {
    status: { function: 'statefulset/mailer', replicas: 2 },
  });

  for (const [name, ref, reason] of [
    ['odd', { kind: 'Rollout', apiVersion: 'argoproj.io/v1alpha1' }, 'KindNotServed'],
    ['map', { kind: 'ConfigMap', apiVersion: 'v1' }, 'KindNotScalable'],
  ] as const) {
    await client.create(triggerOf(name, refTo(ref)));
    await controller.untilCondition(name, 'FunctionReady', reason);
    t.match(await controller.condition(name, 'ScalerReady'), { status: 'Unknown', reason });
  }
  client.fails = (verb) =>
    verb === 'readScale' ? new MillraceError('MILLRACE_KUBERNETES_FORBIDDEN', 'no right') : undefined;
  controller.loop.resync();
  await controller.untilCondition('quakes', 'FunctionReady', 'ScaleForbidden');
  t.ok(await client.get(scaledObjectKind, 'geo', 'quakes'), 'what was made stays');
});

t.test('whatever fails, a status says so, and it passes with the failure', async (t) => {
  const scaler = await startSmallScaler(t);
  let failing: [verb: string, kind: string] | undefined;
  for (const [verb, kind, type] of [
    ['patch', 'Trigger', 'Accepted'],
    ['get', 'Service', 'FunctionReady'],
    ['apply', 'Service', 'FunctionReady'],
    ['get', 'ScaledObject', 'ScalerReady'],
    ['apply', 'ScaledObject', 'ScalerReady'],
    ['get', 'ConfigMap', 'ScalerReady'],
    ['apply', 'TriggerAuthentication', 'ScalerReady'],
  ] as const) {
    const secured = { ...scaler, ca: 'PEM', namespaceAuthentication: 'scaler-ca' };
    const { client, ...controller } = startTestController(t, { scaler: secured });
    failing = [verb, kind];
    client.fails = (...asked) =>
      failing?.[0] === asked[0] && failing[1] === asked[1]
        ? new MillraceError('MILLRACE_KUBERNETES_FAILED', 'etcd is away')
        : undefined;
    await client.create(deploymentOf('mailer'));
    await client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
    const told = await controller.untilCondition('quakes', type, 'ReconcileFailed');
    t.match(told, { status: 'False', message: /etcd is away/ }, `${verb} ${kind}`);
    failing = undefined;
    await controller.untilThere(scaledObjectKind, 'quakes');
    await controller.untilCondition('quakes', 'Accepted', 'Accepted');
    await controller.loop.stop();
  }
});

t.test('a mistake of ours is in the status too', async (t) => {
  const controller = startTestController(t);
  Object.defineProperty(controller, 'scaler', {
    get: () => {
      throw new TypeError('a mistake');
    },
  });
  await controller.client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
  const told = await controller.untilCondition('quakes', 'Accepted', 'ReconcileFailed');
  t.match(told, { status: 'False', message: /a mistake/ });
});

t.test('a failure that passes by itself does not change the status of a trigger', async (t) => {
  const { client, ...controller } = startTestController(t);
  await client.create(deploymentOf('mailer'));
  await client.create(triggerOf('quakes', { topics: ['earthquakes'] }));
  await controller.untilCondition('quakes', 'SourceReady', 'Consuming');
  await controller.settled();
  let failures = 0;
  client.fails = (verb, kind) =>
    verb === 'apply' && kind === 'Service' && failures++ === 0
      ? new MillraceError('MILLRACE_KUBERNETES_FAILED', 'etcd is away')
      : undefined;
  const isAbout = (one: Resource): boolean => one.reason === 'ReconcileFailed';
  await client.remove(serviceKind, 'geo', 'quakes-millrace');
  await controller.untilThere(serviceKind, 'quakes-millrace');
  await controller.settled();
  t.notOk((await client.list(eventKind)).some(isAbout));
});

/** An API server with the CRD of KEDA 2.16, which has no `fallback.behavior`. */
class OldKeda extends MemoryKubernetes {
  override async apply(given: Resource, options: ApplyOptions): Promise<Resource> {
    if (valueAt(given.spec, ['fallback', 'behavior']) !== undefined) {
      const said =
        'failed to create typed patch object: .spec.fallback.behavior: field not declared in schema';
      throw new MillraceError('MILLRACE_KUBERNETES_FAILED', said);
    }
    return super.apply(given, options);
  }
}

t.test('a KEDA that does not know the behavior of the fallback gets a ScaledObject without', async (t) => {
  const scaler = await startSmallScaler(t);
  const { client, ...controller } = startTestController(t, { scaler, client: new OldKeda() });
  await client.create(deploymentOf('mailer', optIn));
  const made = await controller.untilThere(scaledObjectKind, 'mailer');
  t.notOk('fallback' in (made.spec as object));
  await controller.untilCondition('mailer', 'ScalerReady', 'WaitingForKeda');
});
