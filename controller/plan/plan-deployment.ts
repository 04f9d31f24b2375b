// Annotations → Trigger: what to do about the Trigger of one Deployment.
import { topicsAnnotation } from '../../core/resources/annotations.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { isOwnedBy, isManaged, ownedMetadata } from '../ownership.ts';
import { isUpToDate, withAppliedHash } from './drift.ts';

export type DeploymentStep =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'apply'; readonly trigger: Resource }
  | { readonly kind: 'delete'; readonly trigger: Resource }
  /** A Trigger with the name is being deleted. */
  | { readonly kind: 'wait' }
  /** A Trigger that somebody else made has the name. */
  | { readonly kind: 'shadowed'; readonly trigger: Resource };

export interface ObservedDeployment {
  readonly deployment: Resource;
  /** The Trigger with the Deployment's name, whoever made it. */
  readonly trigger: Resource | undefined;
  /** The Trigger that the annotations describe. */
  readonly fromAnnotations: (deployment: Resource) => Resource;
}

export function planDeployment({ deployment, trigger, fromAnnotations }: ObservedDeployment): DeploymentStep {
  const isOurs = trigger !== undefined && isOwnedBy(trigger, deployment);
  const isDeleting = trigger?.metadata.deletionTimestamp !== undefined;
  if (!hasOptedIn(deployment) || deployment.metadata.deletionTimestamp !== undefined)
    return isOurs && !isDeleting ? { kind: 'delete', trigger } : { kind: 'nothing' };
  if (isDeleting) return { kind: 'wait' };
  if (trigger !== undefined && !isOurs)
    // It was made for an earlier Deployment of this name, and Kubernetes deletes it with that one.
    return isManaged(trigger) && isOwnedByDeployment(trigger)
      ? { kind: 'wait' }
      : { kind: 'shadowed', trigger };
  const desired = desiredTrigger(deployment, fromAnnotations(deployment));
  return trigger !== undefined && isUpToDate(trigger, desired)
    ? { kind: 'nothing' }
    : { kind: 'apply', trigger: desired };
}

export function hasOptedIn({ metadata }: Resource): boolean {
  return metadata.annotations?.[topicsAnnotation] !== undefined;
}

function isOwnedByDeployment({ metadata }: Resource): boolean {
  return metadata.ownerReferences?.some(({ kind }) => kind === 'Deployment') === true;
}

function desiredTrigger(deployment: Resource, described: Resource): Resource {
  const { name, labels, annotations } = described.metadata;
  const owned = ownedMetadata(deployment, name, { ...labels });
  return withAppliedHash({
    ...described,
    metadata: { ...owned, ...(annotations === undefined ? {} : { annotations }) },
  });
}
