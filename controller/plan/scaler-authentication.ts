// How KEDA learns which CA the scaler's certificate is from: a TriggerAuthentication, and the ConfigMap that it reads. One of each serves all
// triggers of a namespace, so no trigger owns them.
import { configMapKind, triggerAuthenticationKind } from '../../core/resources/kinds.ts';
import type { Metadata, Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../core/contract/path.ts';
import { managedLabels } from '../ownership.ts';
import { withAppliedHash } from './drift.ts';
import type { ScalerAddress } from './observed-state.ts';

export interface ScalerAuthentication {
  readonly configMap: Resource;
  readonly triggerAuthentication: Resource;
}

/** Undefined if KEDA needs none in `namespace`: the scaler serves plain text, or a ClusterTriggerAuthentication serves all namespaces. */
export function scalerAuthentication(
  namespace: string,
  { ca, namespaceAuthentication: name }: ScalerAddress,
): ScalerAuthentication | undefined {
  if (ca === undefined || name === undefined) return undefined;
  const metadata: Metadata = { name, namespace, labels: managedLabels };
  return {
    configMap: withAppliedHash({
      apiVersion: configMapKind.apiVersion,
      kind: configMapKind.kind,
      metadata,
      data: { 'ca.crt': ca },
    }),
    triggerAuthentication: withAppliedHash({
      apiVersion: triggerAuthenticationKind.apiVersion,
      kind: triggerAuthenticationKind.kind,
      metadata,
      spec: { configMapTargetRef: [{ parameter: 'caCert', name, key: 'ca.crt' }] },
    }),
  };
}

/** Whether `scaledObject` uses the TriggerAuthentication of this name in its namespace. */
export function namesAuthentication(scaledObject: Resource, name: string): boolean {
  const reference = valueAt(scaledObject, ['spec', 'triggers', 0, 'authenticationRef']);
  const kind = valueAt(reference, ['kind']) ?? triggerAuthenticationKind.kind;
  return kind === triggerAuthenticationKind.kind && valueAt(reference, ['name']) === name;
}
