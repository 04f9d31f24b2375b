// FunctionReady of a trigger that names a Service: whether its EndpointSlices can lead to the function.
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../../core/contract/path.ts';
import type { ConditionState } from '../observed-state.ts';
import { conditionFalse, conditionTrue, conditionUnknown } from './condition-state.ts';

/** `service` is undefined before it was looked up. */
export function namedServiceCondition(
  service: Resource | 'missing' | undefined,
  name: string,
): ConditionState {
  if (service === undefined)
    return conditionUnknown(
      'NotCheckedYet',
      `Service ${name} has not been looked up yet. This passes within seconds.`,
    );
  if (service === 'missing')
    return conditionFalse('ServiceMissing', `Service ${name} does not exist in this namespace. Create it.`);
  if (valueAt(service, ['spec', 'type']) === 'ExternalName') {
    const message = `Service ${name} is an ExternalName, which has no endpoints: nothing would ever be delivered. Write the host in spec.function.uri.`;
    return conditionFalse('ServiceNotSupported', message);
  }
  if (!portsOf(service).some(isTcp)) {
    const message = `Service ${name} has no TCP port, and events go over HTTP. Add a port to it, or name another Service.`;
    return conditionFalse('ServiceNotSupported', message);
  }
  const message = `Events go to the ready ${endpointsOf(service)} of Service ${name}. Nothing is scaled.`;
  return conditionTrue('ServiceExists', `${message}${noteOn(service)}`);
}

function portsOf(service: Resource): readonly unknown[] {
  const ports = valueAt(service, ['spec', 'ports']);
  return Array.isArray(ports) ? ports : [];
}

/** TCP is what the API server writes where no protocol is given. */
function isTcp(port: unknown): boolean {
  return (valueAt(port, ['protocol']) ?? 'TCP') === 'TCP';
}

/** Without a selector, somebody writes the EndpointSlices by hand, and they need not be pods. */
function endpointsOf(service: Resource): string {
  return hasSelector(service) ? 'pods' : 'endpoints';
}

function noteOn(service: Resource): string {
  if (!hasSelector(service))
    return ' It has no selector, so there are endpoints only where somebody writes EndpointSlices for it.';
  return valueAt(service, ['spec', 'publishNotReadyAddresses']) === true
    ? ' It publishes pods that are not ready, so they get events too.'
    : '';
}

function hasSelector(service: Resource): boolean {
  return Object.keys(valueAt(service, ['spec', 'selector']) ?? {}).length > 0;
}
