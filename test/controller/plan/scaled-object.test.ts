import t from 'tap';
import { namesOwnAuthentication, scaledObject } from '../../../controller/plan/scaled-object.ts';
import type { ScalerAddress } from '../../../controller/plan/observed-state.ts';
import { deployment, scaledSubscription, scaler, trigger } from '../fixtures/observed-state.ts';

const made = (changes: Partial<ScalerAddress> = {}) =>
  scaledObject(trigger, scaledSubscription(), deployment, { ...scaler, ...changes });

t.test('a ScaledObject that KEDA both polls and is pushed to', async (t) => {
  const subscription = scaledSubscription({
    scale: { minReplicaCount: 0, maxReplicaCount: 5, pollingIntervalSeconds: 7, cooldownPeriodSeconds: 9 },
  });
  t.strictSame(scaledObject(trigger, subscription, deployment, scaler).spec, {
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

t.test('with TLS, KEDA reads the CA from the TriggerAuthentication beside the trigger', async (t) => {
  t.match(made({ ca: 'PEM' }).spec, {
    triggers: [{ metadata: { enableTLS: 'true' }, authenticationRef: { name: 'quakes-millrace' } }],
  });
});

t.test('with mutual TLS, KEDA reads everything from one ClusterTriggerAuthentication', async (t) => {
  const clusterAuthentication = 'millrace-scaler.millrace';
  t.match(made({ ca: 'PEM', clusterAuthentication, tlsRevision: 'a1' }).spec, {
    triggers: [
      {
        metadata: { enableTLS: 'true', tlsRevision: 'a1' },
        authenticationRef: { kind: 'ClusterTriggerAuthentication', name: clusterAuthentication },
      },
    ],
  });
});

t.test('which ScaledObjects name the TriggerAuthentication beside the trigger', async (t) => {
  t.equal(namesOwnAuthentication(made()), false);
  t.equal(namesOwnAuthentication(made({ ca: 'PEM' })), true);
  t.equal(namesOwnAuthentication(made({ ca: 'PEM', clusterAuthentication: 'millrace' })), false);
});
