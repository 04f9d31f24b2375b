import t from 'tap';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import { desiredResources } from '../../../controller/plan/desired-resources.ts';
import type { ObservedState } from '../../../controller/plan/observed-state.ts';
import { planTrigger } from '../../../controller/plan/plan-trigger.ts';
import {
  deployment,
  appliedResources,
  noResources,
  observedOf,
  scaledSubscription,
  scaler,
  trigger,
} from '../fixtures/observed-state.ts';

const named = (changes: Partial<ObservedState>) => {
  const { apply, remove, ...rest } = planTrigger(observedOf(changes));
  return { ...rest, apply: apply.map(({ key }) => key), remove: remove.map(({ kind }) => kind) };
};
const ready = (changes: Partial<ObservedState>) => planTrigger(observedOf(changes)).status.conditions[0];
const made = appliedResources();
const leaving = (resource: Resource | undefined): Resource => ({
  ...resource!,
  metadata: { ...resource!.metadata, deletionTimestamp: '2026-01-02T03:04:05Z' },
});

t.test('without drift, nothing is applied or deleted', async (t) => {
  const decided = named({});
  t.match(decided, { addFinalizer: false, apply: [], remove: [], needsProbe: false });
  t.match(decided.status, {
    observedGeneration: 3,
    topics: 'earthquakes',
    function: 'deployment/mailer',
    consumerGroup: 'millrace.geo.quakes',
    backlog: '10-99',
    replicas: 2,
  });
  t.match(ready({}), { status: 'True', reason: 'Ready' });
});

t.test('a trigger that is new', async (t) => {
  const { finalizers: _finalizers, generation: _generation, ...metadata } = trigger.metadata;
  const changes = { trigger: { ...trigger, metadata }, owned: noResources, kafka: undefined };
  t.match(named(changes), { addFinalizer: true, apply: ['service'], needsProbe: true });
  t.match(ready(changes), { status: 'Unknown', reason: 'NotCheckedYet' });
  t.match(named({ ...changes, probeResult: 'no' }), { apply: ['service'], needsProbe: true });
  t.strictSame(named({ ...changes, probeResult: true }).apply, ['service', 'scaledObject']);
  t.strictSame(named({ ...changes, probeResult: true, scaler: { ...scaler, ca: 'PEM' } }).apply, [
    'service',
    'ca',
    'authentication',
    'scaledObject',
  ]);
});

t.test('drift, and a change of the desired state, are applied', async (t) => {
  const changed = {
    ...made,
    service: { ...made.service!, spec: { ...(made.service!.spec as object), selector: {} } },
  };
  t.strictSame(named({ owned: changed }).apply, ['service']);
  const subscription = scaledSubscription({ scale: { maxReplicaCount: 3 } });
  t.strictSame(named({ parsed: { kind: 'right', subscription } }).apply, ['scaledObject']);
  t.strictSame(
    named({
      parsed: { kind: 'right', subscription },
      owned: { ...made, scaledObject: leaving(made.scaledObject) },
    }).apply,
    [],
    'what is being deleted is not applied',
  );
});

t.test('resources of others are neither applied nor deleted', async (t) => {
  const foreign = {
    ...made.service!,
    metadata: { name: 'quakes-millrace', namespace: 'geo', uid: 'theirs' },
  };
  const owned = { ...made, service: foreign };
  t.match(named({ owned }), { apply: [], remove: [] });
  t.match(named({ owned, deployment: undefined }), { remove: ['ScaledObject'] });
  t.match(ready({ owned }), { reason: 'ServiceNotOurs' });
});

t.test('what is no longer desired is deleted, the ScaledObject first', async (t) => {
  const uri = scaledSubscription({}, { kind: 'uri', uri: 'http://elsewhere' });
  t.match(named({ parsed: { kind: 'right', subscription: uri } }), {
    apply: [],
    remove: ['ScaledObject', 'Service'],
  });
  t.strictSame(named({ deployment: undefined }).remove, ['ScaledObject', 'Service']);
  t.strictSame(named({ groupHolder: 'geo/older' }).remove, ['ScaledObject', 'Service']);
  t.strictSame(named({ deploymentHolder: 'geo/older' }).remove, ['ScaledObject']);
  t.strictSame(
    named({ deployment: undefined, owned: { ...made, scaledObject: leaving(made.scaledObject) } }).remove,
    ['Service'],
  );
  const secured = { ...made, ca: { ...made.service!, kind: 'ConfigMap' } };
  t.strictSame(named({ owned: secured }).remove, ['ConfigMap'], 'TLS was turned off');
});

t.test('the TriggerAuthentication stays until the ScaledObject no longer names it', async (t) => {
  const own = { ...scaler, ca: 'PEM' };
  const cluster = { ...own, clusterAuthentication: 'millrace-scaler.millrace' };
  const subscription = scaledSubscription();
  const before = desiredResources(trigger, subscription, deployment, own);
  t.match(named({ scaler: cluster, owned: before }), { apply: ['scaledObject'], remove: [] });
  const { scaledObject } = desiredResources(trigger, subscription, deployment, cluster);
  t.match(named({ scaler: cluster, owned: { ...before, scaledObject } }), {
    apply: [],
    remove: ['TriggerAuthentication', 'ConfigMap'],
  });
  const after = { ...made, scaledObject };
  t.match(named({ scaler: own, owned: after }), {
    apply: ['ca', 'authentication', 'scaledObject'],
    remove: [],
  });
  t.strictSame(
    named({ scaler: cluster, owned: before, deployment: undefined }).remove,
    ['ScaledObject', 'TriggerAuthentication', 'ConfigMap', 'Service'],
    'everything is deleted with the ScaledObject',
  );
});

t.test('without KEDA, or without the address of the scaler, the Service is still applied', async (t) => {
  const owned = { ...noResources };
  t.match(named({ hasKeda: false, owned }), { apply: ['service'], needsProbe: false });
  t.match(ready({ hasKeda: false, owned: { ...made, scaledObject: undefined } }), {
    reason: 'KedaMissing',
  });
  t.match(named({ scaler: undefined }), { apply: [], remove: [] }, 'an existing ScaledObject stays');
});

t.test('an invalid edit stops nothing', async (t) => {
  const parsed = { kind: 'wrong', reason: 'InvalidSpec', message: 'wrong' } as const;
  const before = planTrigger(observedOf({})).status;
  const decided = planTrigger(observedOf({ parsed, trigger: { ...trigger, status: before } }));
  t.match(decided, { addFinalizer: false, apply: [], remove: [], needsProbe: false });
  t.match(decided.status, {
    topics: 'earthquakes',
    function: 'deployment/mailer',
    backlog: '10-99',
    replicas: 2,
  });
  t.match(decided.status.conditions, [
    { type: 'Ready', status: 'False', reason: 'InvalidSpec' },
    { type: 'Accepted', status: 'False' },
    { type: 'SourceReady', status: 'True', reason: 'Consuming' },
  ]);
});

t.test('a cluster that is no longer granted is not read', async (t) => {
  const parsed = { kind: 'wrong', reason: 'ClusterNotGranted', message: 'taken back' } as const;
  const before = planTrigger(observedOf({})).status;
  const decided = planTrigger(observedOf({ parsed, trigger: { ...trigger, status: before } }));
  t.match(decided, { apply: [], remove: [] }, 'what was made for it stays, for it may be granted again');
  t.match(decided.status.conditions, [
    { type: 'Ready', status: 'False', reason: 'ClusterNotGranted' },
    { type: 'Accepted', status: 'False', reason: 'ClusterNotGranted', message: 'taken back' },
    { type: 'SourceReady', status: 'False', reason: 'ClusterNotGranted' },
  ]);
});

t.test('the status of a trigger that never was valid', async (t) => {
  const parsed = { kind: 'wrong', reason: 'InvalidSpec', message: 'wrong' } as const;
  const statusOf = (spec: unknown) =>
    planTrigger(observedOf({ parsed, trigger: { ...trigger, spec } })).status;
  t.match(statusOf({ source: { topics: ['a', 'b'] } }), { topics: 'a, b', function: '', backlog: 'unknown' });
  t.match(statusOf({ source: { topicPattern: 'a.*' } }), { topics: 'a.*' });
  t.match(statusOf({}), { topics: '', conditions: [{}, {}, { status: 'Unknown', reason: 'NotAccepted' }] });
  const { generation: _generation, ...metadata } = trigger.metadata;
  t.equal(
    planTrigger(observedOf({ parsed, trigger: { ...trigger, metadata } })).status.observedGeneration,
    0,
  );
});

t.test('a Deployment without replicas in its status has none', async (t) => {
  t.equal(planTrigger(observedOf({ deployment: { ...deployment, status: {} } })).status.replicas, 0);
});
