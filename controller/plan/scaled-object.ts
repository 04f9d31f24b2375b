// The ScaledObject of a trigger: how KEDA asks the scaler, and between which numbers of replicas it scales the function's Deployment.
import { scaledObjectKind } from '../../core/resources/kinds.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../core/contract/path.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { ownedName, madeFor, triggerLabel } from '../names.ts';
import { withAppliedHash } from './drift.ts';
import type { ScalerAddress } from './observed.ts';

/** Polls of KEDA that may fail before it falls back. */
const failureThreshold = 3;

export function scaledObject(
  trigger: Resource,
  { scale }: Subscription,
  deployment: Resource,
  scaler: ScalerAddress,
): Resource {
  const { name } = trigger.metadata;
  const { metadata, ...reference } = tlsOf(trigger, scaler);
  return withAppliedHash({
    apiVersion: scaledObjectKind.apiVersion,
    kind: scaledObjectKind.kind,
    metadata: madeFor(trigger, name, { [triggerLabel]: name }),
    spec: {
      scaleTargetRef: {
        apiVersion: deployment.apiVersion,
        kind: deployment.kind,
        name: deployment.metadata.name,
      },
      minReplicaCount: scale.minReplicaCount,
      maxReplicaCount: scale.maxReplicaCount,
      pollingInterval: scale.pollingIntervalSeconds,
      cooldownPeriod: scale.cooldownPeriodSeconds,
      // A Deployment that is new has its cooldown before it sleeps for the first time, as after any work.
      initialCooldownPeriod: scale.cooldownPeriodSeconds,
      // Unknown is never zero: with 0 replicas here, KEDA 2.21 would put to sleep whatever it cannot ask about.
      fallback: {
        failureThreshold,
        replicas: Math.max(1, scale.minReplicaCount),
        behavior: 'currentReplicas',
      },
      advanced: { restoreToOriginalReplicaCount: true },
      triggers: [
        {
          type: 'external-push',
          metadata: { scalerAddress: scaler.address, trigger: name, ...metadata },
          ...reference,
        },
      ],
    },
  });
}

/** What TLS adds to the trigger of the ScaledObject. */
function tlsOf(
  trigger: Resource,
  { ca, clusterAuthentication, tlsRevision }: ScalerAddress,
): { metadata?: Readonly<Record<string, string>>; authenticationRef?: { kind?: string; name: string } } {
  if (ca === undefined) return {};
  return {
    // KEDA 2.21 reads an authentication once for each generation, or after an error, and then opens no stream with the new one.
    metadata: { enableTLS: 'true', ...(tlsRevision === undefined ? {} : { tlsRevision }) },
    authenticationRef:
      clusterAuthentication === undefined
        ? { name: ownedName(trigger.metadata.name) }
        : { kind: 'ClusterTriggerAuthentication', name: clusterAuthentication },
  };
}

/** Whether KEDA is sent to the authentication beside the trigger. */
export function namesOwnAuthentication(scaledObject: Resource): boolean {
  const reference = valueAt(scaledObject, ['spec', 'triggers', 0, 'authenticationRef']);
  return reference !== undefined && valueAt(reference, ['kind']) !== 'ClusterTriggerAuthentication';
}
