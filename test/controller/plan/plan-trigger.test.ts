import t from 'tap';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import type { FunctionTarget } from '../../../core/contract/subscription.ts';
import { maxMessage } from '../../../controller/plan/conditions/condition-state.ts';
import { desiredResources } from '../../../controller/plan/desired-resources.ts';
import type { ObservedState } from '../../../controller/plan/observed-state.ts';
import { planTrigger } from '../../../controller/plan/plan-trigger.ts';
import {
  appliedResources,
  foundWorkload,
  noResources,
  observedOf,
  parsedAs,
  scaledSubscription,
  scaler,
  trigger,
  workload,
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
const to = (target: FunctionTarget) => parsedAs(scaledSubscription({}, target));
const missing = { kind: 'missing' } as const;

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
});

t.test('with a CA of the scaler, KEDA gets that first', async (t) => {
  const secured = { ...scaler, ca: 'PEM', namespaceAuthentication: 'scaler-ca' };
  const changes = { owned: noResources, scaler: secured, probeResult: true } as const;
  t.match(named(changes), { authentication: 'needed', apply: ['service'] });
  t.match(named({ ...changes, authentication: { kind: 'foreign', resource: 'ConfigMap' } }), {
    apply: ['service'],
  });
  t.match(named({ ...changes, authentication: { kind: 'ready' } }), { apply: ['service', 'scaledObject'] });
  t.match(
    named({ scaler: secured, owned: made }),
    { apply: [], remove: [] },
    'a ScaledObject of before waits',
  );
  t.match(named({ scaler: { ...scaler, ca: 'PEM', clusterAuthentication: 'all' } }), {
    authentication: 'unneeded',
    apply: ['scaledObject'],
  });
  t.match(named({ scaler: secured, workloadHolder: 'geo/older' }), { authentication: 'unneeded' });
  t.match(named({ scaler: undefined }), { authentication: 'kept' });
  t.match(named({ scaler: undefined, owned: noResources }), { authentication: 'unneeded' });
});

t.test('drift, and a change of the desired state, are applied', async (t) => {
  const changed = {
    ...made,
    service: { ...made.service!, spec: { ...(made.service!.spec as object), selector: {} } },
  };
  t.strictSame(named({ owned: changed }).apply, ['service']);
  const parsed = parsedAs(scaledSubscription({ scale: { maxReplicaCount: 3 } }));
  t.strictSame(named({ parsed }).apply, ['scaledObject']);
  t.strictSame(
    named({ parsed, owned: { ...made, scaledObject: leaving(made.scaledObject) } }).apply,
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
  t.match(named({ owned, workload: missing }), { remove: ['ScaledObject'] });
  t.match(ready({ owned }), { reason: 'ServiceNotOurs' });
});

t.test('what is no longer desired is deleted, the ScaledObject first', async (t) => {
  const uri = to({ kind: 'uri', uri: 'http://elsewhere' });
  t.match(named({ parsed: uri, workload: undefined }), { apply: [], remove: ['ScaledObject', 'Service'] });
  t.strictSame(named({ workload: missing }).remove, ['ScaledObject', 'Service']);
  t.strictSame(named({ groupHolder: 'geo/older' }).remove, ['ScaledObject', 'Service']);
  t.strictSame(named({ workloadHolder: 'geo/older' }).remove, ['ScaledObject']);
  t.strictSame(
    named({ workload: missing, owned: { ...made, scaledObject: leaving(made.scaledObject) } }).remove,
    ['Service'],
  );
});

t.test('where nothing is known of the workload, everything stays', async (t) => {
  const forbidden = { kind: 'forbidden', message: 'no right' } as const;
  t.match(named({ workload: forbidden }), { apply: [], remove: [] });
});

t.test('a selector that a Service cannot have leads to no resources', async (t) => {
  const selector = { kind: 'unsupported', why: 'by something' } as const;
  const odd = { kind: 'found', workload: { ...workload, selector } } as const;
  t.match(named({ workload: odd, owned: noResources }), { apply: [] });
});

t.test('without KEDA, or without the address of the scaler, the Service is still applied', async (t) => {
  t.match(named({ hasKeda: false, owned: noResources }), { apply: ['service'], needsProbe: false });
  t.match(ready({ hasKeda: false, owned: { ...made, scaledObject: undefined } }), { reason: 'KedaMissing' });
  t.match(named({ scaler: undefined }), { apply: [], remove: [] }, 'an existing ScaledObject stays');
});

t.test('an invalid edit stops nothing', async (t) => {
  const parsed = { kind: 'wrong', reason: 'InvalidSpec', message: 'wrong' } as const;
  const before = planTrigger(observedOf({})).status;
  const edited = { ...trigger, status: before, metadata: { ...trigger.metadata, generation: 4 } };
  const decided = planTrigger(observedOf({ parsed, trigger: edited, workload: undefined }));
  t.match(decided, { addFinalizer: false, apply: [], remove: [], needsProbe: false, authentication: 'kept' });
  t.match(decided.status, {
    topics: 'earthquakes',
    function: 'deployment/mailer',
    backlog: '10-99',
    replicas: 2,
    accepted: { generation: 3, spec: trigger.spec },
  });
  t.match(decided.status.conditions, [
    { type: 'Ready', status: 'False', reason: 'InvalidSpec' },
    { type: 'Accepted', status: 'False' },
    { type: 'SourceReady', status: 'True', reason: 'Consuming' },
  ]);
  t.match(planTrigger(observedOf({ parsed, owned: noResources })), { authentication: 'unneeded' });
});

t.test('the status holds the version that was accepted last', async (t) => {
  const accepted = (changes: Partial<ObservedState>) => planTrigger(observedOf(changes)).status.accepted;
  t.strictSame(accepted({}), { generation: 3, spec: trigger.spec });
  const cluster = { bootstrapServers: 'kafka:9092' };
  const parsed = { ...parsedAs(scaledSubscription()), accepted: { spec: { a: 1 }, cluster } };
  t.strictSame(accepted({ parsed }), { generation: 3, spec: { a: 1 }, cluster });
  t.equal(accepted({ groupHolder: 'geo/older' }), undefined, 'a trigger without its group does not run');
  const { generation: _generation, ...metadata } = trigger.metadata;
  t.match(accepted({ trigger: { ...trigger, metadata } }), { generation: 0 });
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

t.test('the replicas are those of the workload, as they were last read', async (t) => {
  const replicas = (changes: Partial<ObservedState>) => planTrigger(observedOf(changes)).status.replicas;
  t.equal(replicas({ workload: { ...foundWorkload, workload: { ...workload, replicas: 7 } } }), 7);
  t.equal(replicas({ workload: missing }), 0);
  const known = { ...trigger, status: { replicas: 5 } };
  t.equal(replicas({ trigger: known, workload: undefined }), 5, 'it could not be read this time');
  t.equal(replicas({ trigger: known, workload: undefined, parsed: to({ kind: 'service', name: 'a' }) }), 0);
});

t.test('a step that failed makes its condition false', async (t) => {
  const failures = new Map([['FunctionReady', 'no answer']] as const);
  t.match(ready({ failures }), { status: 'False', reason: 'ReconcileFailed', message: /no answer/ });
});

t.test('a message that is cut is in the plan as a whole', async (t) => {
  const message = 'x'.repeat(maxMessage + 1);
  const { status, cut } = planTrigger(
    observedOf({ parsed: { kind: 'wrong', reason: 'InvalidSpec', message } }),
  );
  t.strictSame(cut, [{ type: 'Accepted', message }]);
  t.ok(status.conditions.every((condition) => condition.message.length <= maxMessage));
});

t.test('a KEDA without the behavior of the fallback gets none', async (t) => {
  const owned = desiredResources(observedOf({ hasFallbackBehavior: false }), scaledSubscription());
  t.strictSame(named({ owned, hasFallbackBehavior: false }).apply, []);
  t.strictSame(named({ owned }).apply, ['scaledObject'], 'a newer one does');
});
