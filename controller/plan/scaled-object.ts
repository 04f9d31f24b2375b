// The ScaledObject of a trigger: how KEDA asks the scaler, and between which numbers of replicas it scales the function's Deployment.
import { scaledObjectKind } from '../../core/resources/kinds.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../core/contract/path.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { ownedResourceName, ownedMetadata, triggerLabel } from '../ownership.ts';
import { withAppliedHash } from './drift.ts';
import type { ScalerAddress } from './observed-state.ts';

/** How many polls of KEDA must fail in a row before it falls back. */
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
    metadata: ownedMetadata(trigger, name, { [triggerLabel]: name }),
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
      // A new Deployment gets its cooldown before it is scaled to zero for the first time, as after any event.
      initialCooldownPeriod: scale.cooldownPeriodSeconds,
      // An unknown backlog is never zero: with 0 replicas here, KEDA 2.21 would scale to zero whenever the scaler does not answer.
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
    // KEDA 2.21 reads an authentication again only for a new generation or after an error, and after an error it opens no stream with it. So
    // a new revision makes a new generation.
    metadata: { enableTLS: 'true', ...(tlsRevision === undefined ? {} : { tlsRevision }) },
    authenticationRef:
      clusterAuthentication === undefined
        ? { name: ownedResourceName(trigger.metadata.name) }
        : { kind: 'ClusterTriggerAuthentication', name: clusterAuthentication },
  };
}

/** Whether `scaledObject` uses the TriggerAuthentication beside the trigger. */
export function namesOwnAuthentication(scaledObject: Resource): boolean {
  const reference = valueAt(scaledObject, ['spec', 'triggers', 0, 'authenticationRef']);
  return reference !== undefined && valueAt(reference, ['kind']) !== 'ClusterTriggerAuthentication';
}
