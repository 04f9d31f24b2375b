// How the controller marks what it makes: names, labels, owner references. It changes or deletes only resources that carry these marks.
import type { Metadata, OwnerReference, Resource } from '../core/contract/kubernetes-client.ts';
import { annotationPrefix } from '../core/resources/schema/trigger-schema.ts';

/** The field manager of every server-side apply. */
export const fieldManager = 'millrace';
/** On a Trigger for as long as a gateway may have its partitions. */
export const drainFinalizer = `${annotationPrefix}drain`;
export const triggerLabel = `${annotationPrefix}trigger`;
const managedByLabel = 'app.kubernetes.io/managed-by';
export const managedSelector = `${managedByLabel}=${fieldManager}`;
export const managedLabels = { [managedByLabel]: fieldManager };
/**
 * A hash of the resource as it was applied, so that an up-to-date one is not written again. Its prefix is not that of the annotations
 * that people write: a Trigger rejects every annotation of that prefix that it does not know.
 */
export const appliedAnnotation = `controller.${annotationPrefix}applied`;

/** `namespace/name`. */
export function keyOf({ metadata }: Resource): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

export function isManaged({ metadata }: Resource): boolean {
  return metadata.labels?.[managedByLabel] === fieldManager;
}

/** Whether the controller made `resource` for `owner`. */
export function isOwnedBy(resource: Resource, owner: Resource): boolean {
  const owners = resource.metadata.ownerReferences ?? [];
  return isManaged(resource) && owners.some(({ uid }) => uid === owner.metadata.uid);
}

/** With an owner reference, so that Kubernetes deletes the resource after its owner. */
export function ownedMetadata(
  owner: Resource,
  name: string,
  labels: Readonly<Record<string, string>>,
): Metadata {
  const { namespace } = owner.metadata;
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: { ...managedLabels, ...labels },
    ownerReferences: [ownerReference(owner)],
  };
}

function ownerReference({ apiVersion, kind, metadata }: Resource): OwnerReference {
  return {
    apiVersion,
    kind,
    name: metadata.name,
    uid: metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}
