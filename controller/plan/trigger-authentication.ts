// How KEDA learns which CA the scaler's certificate is from: a TriggerAuthentication beside the trigger, and the ConfigMap that it reads.
import { configMapKind, triggerAuthenticationKind } from '../../core/resources/kinds.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { ownedResourceName, ownedMetadata, triggerLabel } from '../ownership.ts';
import { withAppliedHash } from './drift.ts';

/** `ca` is PEM. */
export function caConfigMap(trigger: Resource, ca: string): Resource {
  const { name } = trigger.metadata;
  return withAppliedHash({
    apiVersion: configMapKind.apiVersion,
    kind: configMapKind.kind,
    metadata: ownedMetadata(trigger, ownedResourceName(name), { [triggerLabel]: name }),
    data: { 'ca.crt': ca },
  });
}

export function triggerAuthentication(trigger: Resource): Resource {
  const { name } = trigger.metadata;
  const ownedResource = ownedResourceName(name);
  return withAppliedHash({
    apiVersion: triggerAuthenticationKind.apiVersion,
    kind: triggerAuthenticationKind.kind,
    metadata: ownedMetadata(trigger, ownedResource, { [triggerLabel]: name }),
    spec: { configMapTargetRef: [{ parameter: 'caCert', name: ownedResource, key: 'ca.crt' }] },
  });
}
