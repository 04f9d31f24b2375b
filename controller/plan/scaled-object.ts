// The ScaledObject of a trigger: how KEDA asks the scaler, and between which numbers of replicas it scales the function's workload.
import { scaledObjectKind } from '../../core/resources/kinds.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { labelValueOf, scaledObjectNameOf } from '../../core/resources/derived-names.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { ownedMetadata, triggerLabel } from '../ownership.ts';
import { withAppliedHash } from './drift.ts';
import type { ScalerAddress } from './observed-state.ts';
import type { Workload } from './workload.ts';

/** How many polls of KEDA must fail in a row before it falls back. */
const failureThreshold = 3;

export interface ScaledObjectParts {
  readonly trigger: Resource;
  readonly scale: Subscription['scale'];
  readonly workload: Workload;
  readonly scaler: ScalerAddress;
  /** Whether KEDA's CRD has `fallback.behavior`. */
  readonly hasFallbackBehavior: boolean;
}

export function scaledObject({ trigger, scale, workload, ...parts }: ScaledObjectParts): Resource {
  const { scaler, hasFallbackBehavior } = parts;
  const { name } = trigger.metadata;
  const { metadata, ...reference } = tlsOf(scaler);
  return withAppliedHash({
    apiVersion: scaledObjectKind.apiVersion,
    kind: scaledObjectKind.kind,
    metadata: ownedMetadata(trigger, scaledObjectNameOf(name), { [triggerLabel]: labelValueOf(name) }),
    spec: {
      scaleTargetRef: { apiVersion: workload.apiVersion, kind: workload.kind, name: workload.name },
      minReplicaCount: scale.minReplicaCount,
      maxReplicaCount: scale.maxReplicaCount,
      pollingInterval: scale.pollingIntervalSeconds,
      cooldownPeriod: scale.cooldownPeriodSeconds,
      // A new workload gets its cooldown before it is scaled to zero for the first time, as after any event.
      initialCooldownPeriod: scale.cooldownPeriodSeconds,
      ...(hasFallbackBehavior ? { fallback: fallbackOf(scale) } : {}),
      advanced: { restoreToOriginalReplicaCount: true, ...hpaOf(scale) },
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

/**
 * An unknown backlog is never zero: with 0 replicas here, KEDA 2.21 would scale to zero whenever the scaler does not answer. A KEDA that does
 * not know the behavior would scale to these replicas. Without a fallback it leaves them as they are, which is the same as this behavior.
 */
function fallbackOf({ minReplicaCount }: Subscription['scale']): object {
  return { failureThreshold, replicas: Math.max(1, minReplicaCount), behavior: 'currentReplicas' };
}

function hpaOf({ behavior }: Subscription['scale']): object {
  return behavior === undefined ? {} : { horizontalPodAutoscalerConfig: { behavior } };
}

/** What TLS adds to the trigger of the ScaledObject. */
function tlsOf({ ca, namespaceAuthentication, clusterAuthentication, tlsRevision }: ScalerAddress): {
  metadata?: Readonly<Record<string, string>>;
  authenticationRef?: { kind?: string; name: string | undefined };
} {
  if (ca === undefined) return {};
  return {
    // KEDA 2.21 reads an authentication again only for a new generation or after an error, and after an error it opens no stream with it. So
    // a new revision makes a new generation.
    metadata: { enableTLS: 'true', ...(tlsRevision === undefined ? {} : { tlsRevision }) },
    authenticationRef:
      clusterAuthentication === undefined
        ? { name: namespaceAuthentication }
        : { kind: 'ClusterTriggerAuthentication', name: clusterAuthentication },
  };
}
