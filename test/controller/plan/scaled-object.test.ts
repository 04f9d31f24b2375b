import t from 'tap';
import { scaledObject, type ScaledObjectParts } from '../../../controller/plan/scaled-object.ts';
import { scaledSubscription, scaler, trigger, workload } from '../fixtures/observed-state.ts';

const { scale } = scaledSubscription();
const made = (changes: Partial<ScaledObjectParts> = {}) =>
  scaledObject({ trigger, scale, workload, scaler, hasFallbackBehavior: true, ...changes });

t.test('a ScaledObject that KEDA both polls and is pushed to', async (t) => {
  const { scale } = scaledSubscription({
    scale: { minReplicaCount: 0, maxReplicaCount: 5, pollingIntervalSeconds: 7, cooldownPeriodSeconds: 9 },
  });
  t.strictSame(made({ scale }).spec, {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'mailer' },
    minReplicaCount: 0,
    maxReplicaCount: 5,
    pollingInterval: 7,
    cooldownPeriod: 9,
    initialCooldownPeriod: 9,
    fallback: { failureThreshold: 3, replicas: 1, behavior: 'currentReplicas' },
    advanced: { restoreToOriginalReplicaCount: true },
    triggers: [
      {
        type: 'external-push',
        metadata: { scalerAddress: 'millrace-scaler.millrace.svc:6000', trigger: 'quakes' },
      },
    ],
  });
});

t.test('of a workload of any kind', async (t) => {
  const rollout = { ...workload, apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout' };
  t.match(made({ workload: rollout }).spec, {
    scaleTargetRef: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'mailer' },
  });
});

t.test('without a fallback where KEDA would scale to its replicas', async (t) => {
  t.notOk('fallback' in (made({ hasFallbackBehavior: false }).spec as object));
});

t.test('how fast replicas come and go is for the HPA', async (t) => {
  const behavior = { scaleDown: { stabilizationWindowSeconds: 60 } };
  t.match(made({ scale: { ...scale, behavior } }).spec, {
    advanced: { restoreToOriginalReplicaCount: true, horizontalPodAutoscalerConfig: { behavior } },
  });
});

t.test('with TLS, KEDA reads the CA from the TriggerAuthentication of the namespace', async (t) => {
  t.match(made({ scaler: { ...scaler, ca: 'PEM', namespaceAuthentication: 'scaler-ca' } }).spec, {
    triggers: [{ metadata: { enableTLS: 'true' }, authenticationRef: { name: 'scaler-ca' } }],
  });
});

t.test('with mutual TLS, KEDA reads everything from one ClusterTriggerAuthentication', async (t) => {
  const clusterAuthentication = 'millrace-scaler.millrace';
  t.match(made({ scaler: { ...scaler, ca: 'PEM', clusterAuthentication, tlsRevision: 'a1' } }).spec, {
    triggers: [
      {
        metadata: { enableTLS: 'true', tlsRevision: 'a1' },
        authenticationRef: { kind: 'ClusterTriggerAuthentication', name: clusterAuthentication },
      },
    ],
  });
});
