// The headless Service of a trigger: its EndpointSlices list the ready pods of the function's workload.
import { serviceKind } from '../../core/resources/kinds.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { labelValueOf, serviceNameOf } from '../../core/resources/derived-names.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { ownedMetadata, triggerLabel } from '../ownership.ts';
import { withAppliedHash } from './drift.ts';

/** `labels` select the pods. Headless: it has no virtual IP, and DNS and EndpointSlices list only the pods that are ready. */
export function endpointsService(
  trigger: Resource,
  { function: target }: Subscription,
  labels: Readonly<Record<string, string>>,
): Resource {
  const { name } = trigger.metadata;
  return withAppliedHash({
    apiVersion: serviceKind.apiVersion,
    kind: serviceKind.kind,
    metadata: ownedMetadata(trigger, serviceNameOf(name), { [triggerLabel]: labelValueOf(name) }),
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: false,
      selector: labels,
      ports: [{ name: 'http', port: target.port, targetPort: target.port, protocol: 'TCP' }],
    },
  });
}
