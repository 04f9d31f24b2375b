// What a trigger needs beside it in the cluster: the resources, as they should be.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  configMapKind,
  scaledObjectKind,
  serviceKind,
  triggerAuthenticationKind,
  triggerKind,
} from '../../core/resources/kinds.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt, type Path } from '../../core/contract/path.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { appliedAnnotation, ownedName, madeFor, triggerLabel } from '../names.ts';
import type { OwnedResources, ScalerAddress } from './observed.ts';

/** Polls of KEDA that may fail before it falls back. */
const failureThreshold = 3;

/** The owned resources of `trigger` where its function is `deployment`; all of them, whether they can be made now or not. */
export function ownedResourcesOf(
  trigger: Resource,
  subscription: Subscription,
  deployment: Resource,
  scaler: ScalerAddress | undefined,
): OwnedResources {
  const ca = scaler?.clusterAuthentication === undefined ? scaler?.ca : undefined;
  return {
    service: service(trigger, subscription, deployment),
    ca: ca === undefined ? undefined : trust(trigger, ca),
    authentication: ca === undefined ? undefined : authentication(trigger),
    scaledObject: scaler === undefined ? undefined : scaledObject(trigger, subscription, deployment, scaler),
  };
}

/** Headless: it has no address of its own, and only lists the pods that are ready. */
function service(trigger: Resource, { function: target }: Subscription, deployment: Resource): Resource {
  const { name } = trigger.metadata;
  return withAppliedHash({
    apiVersion: serviceKind.apiVersion,
    kind: serviceKind.kind,
    metadata: madeFor(trigger, ownedName(name), { [triggerLabel]: name }),
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: false,
      selector: valueAt(deployment, ['spec', 'selector', 'matchLabels']) ?? {},
      ports: [{ name: 'http', port: target.port, targetPort: target.port, protocol: 'TCP' }],
    },
  });
}

function trust(trigger: Resource, ca: string): Resource {
  const { name } = trigger.metadata;
  return withAppliedHash({
    apiVersion: configMapKind.apiVersion,
    kind: configMapKind.kind,
    metadata: madeFor(trigger, ownedName(name), { [triggerLabel]: name }),
    data: { 'ca.crt': ca },
  });
}

function authentication(trigger: Resource): Resource {
  const { name } = trigger.metadata;
  const ownedResource = ownedName(name);
  return withAppliedHash({
    apiVersion: triggerAuthenticationKind.apiVersion,
    kind: triggerAuthenticationKind.kind,
    metadata: madeFor(trigger, ownedResource, { [triggerLabel]: name }),
    spec: { configMapTargetRef: [{ parameter: 'caCert', name: ownedResource, key: 'ca.crt' }] },
  });
}

function scaledObject(
  trigger: Resource,
  { scale }: Subscription,
  deployment: Resource,
  scaler: ScalerAddress,
): Resource {
  const { name } = trigger.metadata;
  const { metadata, ...reference } = secured(trigger, scaler);
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

/** Of KEDA's trigger, what TLS takes. */
function secured(
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

/** `resource` with its own hash among the annotations. */
export function withAppliedHash(resource: Resource): Resource {
  const hash = createHash('sha256').update(JSON.stringify(resource)).digest('hex').slice(0, 16);
  const annotations = { ...resource.metadata.annotations, [appliedAnnotation]: hash };
  return { ...resource, metadata: { ...resource.metadata, annotations } };
}

/** Where nothing may be added either: a selector with more in it selects less. */
const wholeAt: Readonly<Record<string, Path>> = {
  [triggerKind.kind]: ['spec'],
  [serviceKind.kind]: ['spec', 'selector'],
};

/** Whether `found` is as `wanted` was applied, and nobody has changed what was. */
export function isAsWanted(found: Resource, wanted: Resource): boolean {
  const path = wholeAt[wanted.kind];
  const isWhole = path === undefined || isDeepStrictEqual(valueAt(found, path), valueAt(wanted, path));
  return isWhole && contains(found, wanted);
}

/** `found` as it should be, where others have added to it what no apply takes away: it is to be written whole. */
export function withoutAdditions(found: Resource, wanted: Resource): Resource {
  const isOurs = wanted.kind === triggerKind.kind;
  return {
    ...found,
    spec: isOurs ? wanted.spec : { ...(found.spec as object), ...(wanted.spec as object) },
  };
}

/** Whether all of `part` stands in `whole`; lists must be as long, for what is in them has no other name. */
function contains(whole: unknown, part: unknown): boolean {
  if (Array.isArray(part)) {
    if (!Array.isArray(whole) || whole.length !== part.length) return false;
    return part.every((item, index) => contains(whole[index], item));
  }
  if (typeof part !== 'object' || part === null) return whole === part;
  if (typeof whole !== 'object' || whole === null) return false;
  return Object.entries(part).every(([key, value]) =>
    contains((whole as Record<string, unknown>)[key], value),
  );
}
