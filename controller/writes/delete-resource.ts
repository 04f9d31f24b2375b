// Deletes one resource that the controller made, in the background.
import {
  configMapKind,
  scaledObjectKind,
  serviceKind,
  triggerAuthenticationKind,
  triggerKind,
} from '../../core/resources/kinds.ts';
import type { KubernetesClient, Resource, ResourceKind } from '../../core/contract/kubernetes-client.ts';

const madeKinds: readonly ResourceKind[] = [
  serviceKind,
  scaledObjectKind,
  triggerAuthenticationKind,
  configMapKind,
  triggerKind,
];

/** The UID is a precondition: a resource that has taken the name since is not deleted. */
export async function deleteResource(
  client: Pick<KubernetesClient, 'remove'>,
  resource: Resource,
): Promise<void> {
  const { namespace = '', name, uid } = resource.metadata;
  const kind = madeKinds.find((one) => one.kind === resource.kind && one.apiVersion === resource.apiVersion);
  if (kind === undefined) throw new TypeError(`The controller makes no ${resource.kind}, so it deletes none`);
  await client.remove(kind, namespace, name, {
    ...(uid === undefined ? {} : { uid }),
    propagation: 'Background',
  });
}
