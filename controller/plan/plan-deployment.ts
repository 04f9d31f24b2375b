// Annotations → Trigger: what is to be done about the Trigger of one Deployment.
import { topicsAnnotation } from '../../core/resources/annotations.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { isMadeFor, isManaged, madeFor } from '../names.ts';
import { isAsWanted, withAppliedHash } from './drift.ts';

export type DeclareStep =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'apply'; readonly trigger: Resource }
  | { readonly kind: 'remove'; readonly trigger: Resource }
  /** The one that has the name is on its way out. */
  | { readonly kind: 'wait' }
  /** Somebody else's Trigger has the name. */
  | { readonly kind: 'shadowed'; readonly trigger: Resource };

export interface DeclareObserved {
  readonly deployment: Resource;
  /** The Trigger of the Deployment's name, whoever made it. */
  readonly trigger: Resource | undefined;
  /** Makes the Trigger that the annotations mean. */
  readonly declare: (deployment: Resource) => Resource;
}

export function planDeclare({ deployment, trigger, declare }: DeclareObserved): DeclareStep {
  const isOurs = trigger !== undefined && isMadeFor(trigger, deployment);
  const isGoing = trigger?.metadata.deletionTimestamp !== undefined;
  if (!hasOptedIn(deployment) || deployment.metadata.deletionTimestamp !== undefined)
    return isOurs && !isGoing ? { kind: 'remove', trigger } : { kind: 'nothing' };
  if (isGoing) return { kind: 'wait' };
  if (trigger !== undefined && !isOurs)
    // Made for an earlier Deployment of this name: it goes with that one.
    return isManaged(trigger) && isOwned(trigger) ? { kind: 'wait' } : { kind: 'shadowed', trigger };
  const wanted = ownedTrigger(deployment, declare(deployment));
  return trigger !== undefined && isAsWanted(trigger, wanted)
    ? { kind: 'nothing' }
    : { kind: 'apply', trigger: wanted };
}

export function hasOptedIn({ metadata }: Resource): boolean {
  return metadata.annotations?.[topicsAnnotation] !== undefined;
}

function isOwned({ metadata }: Resource): boolean {
  return metadata.ownerReferences?.some(({ kind }) => kind === 'Deployment') === true;
}

function ownedTrigger(deployment: Resource, declared: Resource): Resource {
  const { name, labels, annotations } = declared.metadata;
  const owned = madeFor(deployment, name, { ...labels });
  return withAppliedHash({
    ...declared,
    metadata: { ...owned, ...(annotations === undefined ? {} : { annotations }) },
  });
}
