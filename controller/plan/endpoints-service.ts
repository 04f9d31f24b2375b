// The headless Service of a trigger: its EndpointSlices list the ready pods of the function's Deployment.
import { serviceKind } from '../../core/resources/kinds.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../core/contract/path.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { ownedResourceName, ownedMetadata, triggerLabel } from '../ownership.ts';
import { withAppliedHash } from './drift.ts';

/** Headless: it has no virtual IP, and DNS and EndpointSlices list only the pods that are ready. */
export function endpointsService(
  trigger: Resource,
  { function: target }: Subscription,
  deployment: Resource,
): Resource {
  const { name } = trigger.metadata;
  return withAppliedHash({
    apiVersion: serviceKind.apiVersion,
    kind: serviceKind.kind,
    metadata: ownedMetadata(trigger, ownedResourceName(name), { [triggerLabel]: name }),
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: false,
      selector: valueAt(deployment, ['spec', 'selector', 'matchLabels']) ?? {},
      ports: [{ name: 'http', port: target.port, targetPort: target.port, protocol: 'TCP' }],
    },
  });
}
