// What the controller calls what it makes, and how it knows it again. Nothing that lacks these marks is ever changed.
import type { Metadata, OwnerReference, Resource } from '../core/contract/kubernetes-client.ts';
import { serviceNameOf } from '../core/resources/trigger-resource.ts';
import { annotationPrefix } from '../core/resources/schema/trigger-schema.ts';

/** Who owns the fields that are applied. */
export const fieldManager = 'millrace';
/** On a Trigger, as long as a gateway may have its partitions. */
export const drainFinalizer = `${annotationPrefix}drain`;
export const triggerLabel = `${annotationPrefix}trigger`;
const managedByLabel = 'app.kubernetes.io/managed-by';
export const managedSelector = `${managedByLabel}=${fieldManager}`;
/**
 * What a resource looked like when it was applied: a hash, so that one that is as wanted is not written again. Its prefix is not that
 * of the annotations that people write, of which a Trigger takes none that it does not know.
 */
export const appliedAnnotation = `controller.${annotationPrefix}applied`;

/** `namespace/name`. */
export function keyOf({ metadata }: Resource): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** The name of the Service of a trigger, and of what its ScaledObject needs to trust the scaler. */
export const ownedName = serviceNameOf;

export function isManaged({ metadata }: Resource): boolean {
  return metadata.labels?.[managedByLabel] === fieldManager;
}

/** Whether the controller made `resource` for `owner`. */
export function isMadeFor(resource: Resource, owner: Resource): boolean {
  const owners = resource.metadata.ownerReferences ?? [];
  return isManaged(resource) && owners.some(({ uid }) => uid === owner.metadata.uid);
}

/** Metadata of what is made for `owner`: it goes with its owner. */
export function madeFor(owner: Resource, name: string, labels: Readonly<Record<string, string>>): Metadata {
  const { namespace } = owner.metadata;
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: { [managedByLabel]: fieldManager, ...labels },
    ownerReferences: [ownedBy(owner)],
  };
}

function ownedBy({ apiVersion, kind, metadata }: Resource): OwnerReference {
  return {
    apiVersion,
    kind,
    name: metadata.name,
    uid: metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}
