// Reads the ready endpoints of a Service from its EndpointSlices. Pure.
// https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
import type { Resource } from '../../contract/kubernetes-client.ts';
import type { Endpoint, RefusedEndpoint } from '../../contract/endpoint-source.ts';

/** On a trigger's own Service, and copied to its EndpointSlices: the name of the trigger. */
export const triggerLabel = 'millrace.dev/trigger';
/** On every EndpointSlice of a Service: the name of the Service. */
export const serviceLabel = 'kubernetes.io/service-name';

interface SliceEndpoint {
  readonly addresses?: readonly string[];
  readonly conditions?: { readonly ready?: boolean | null; readonly terminating?: boolean | null };
  readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly uid?: string };
}

interface SlicePort {
  readonly name?: string | null;
  readonly port?: number | null;
  readonly protocol?: string | null;
}

export interface FoundEndpoints {
  readonly ready: readonly Endpoint[];
  readonly refused: readonly RefusedEndpoint[];
}

/** Why tenants may not use an address, as text after "the address is"; undefined if they may. */
export type WhyRefused = (address: string) => string | undefined;

/**
 * The ready endpoints in all slices of one Service. `port` chooses among several ports of a slice. A pod with an IPv4 and an IPv6 address is
 * one endpoint. An unknown readiness counts as ready, as the API defines for `conditions.ready`. Whoever may write EndpointSlices can write
 * any address into them, so each must pass `whyRefused`.
 */
export function readyEndpoints(
  slices: readonly Resource[],
  port: number,
  whyRefused: WhyRefused = () => undefined,
): FoundEndpoints {
  const byPod = new Map<string, string>();
  const refused = new Map<string, string>();
  for (const slice of slices.toSorted(byFamily)) {
    const chosen = choosePort((slice.ports ?? []) as readonly SlicePort[], port);
    if (chosen === undefined) continue;
    for (const { addresses: [address] = [], conditions, targetRef } of endpointsOf(slice)) {
      if (address === undefined || conditions?.ready === false || conditions?.terminating === true) continue;
      const why = hasAddresses(slice) ? whyRefused(address) : 'a host name, and not the address of a pod';
      const pod = targetRef?.uid ?? address;
      if (why !== undefined) refused.set(address, why);
      else if (!byPod.has(pod))
        byPod.set(pod, `http://${address.includes(':') ? `[${address}]` : address}:${chosen}`);
    }
  }
  return {
    ready: [...new Set(byPod.values())].toSorted().map((origin) => ({ origin })),
    refused: [...refused].toSorted().map(([address, why]) => ({ address, why })),
  };
}

/** The part of an EndpointSlice that is read here: a cluster has thousands of them. */
export function onlyEndpoints({
  apiVersion,
  kind,
  metadata,
  addressType,
  ports,
  endpoints,
}: Resource): Resource {
  const { name, namespace, uid, resourceVersion, labels } = metadata;
  const kept = [triggerLabel, serviceLabel].flatMap((label) => {
    const value = labels?.[label];
    return value === undefined ? [] : [[label, value] as const];
  });
  const slim = ((endpoints ?? []) as readonly SliceEndpoint[]).map(
    ({ addresses, conditions, targetRef }) => ({
      addresses,
      conditions,
      targetRef: targetRef && { kind: targetRef.kind, name: targetRef.name, uid: targetRef.uid },
    }),
  );
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      labels: Object.fromEntries(kept),
    },
    addressType,
    ports,
    endpoints: slim,
  };
}

/** Names of the ready pods. */
export function readyPods(slices: readonly Resource[]): string[] {
  const ready = slices
    .flatMap(endpointsOf)
    .filter(({ conditions }) => conditions?.ready !== false && conditions?.terminating !== true);
  const names = ready.flatMap(({ targetRef }) => (targetRef?.kind === 'Pod' ? (targetRef.name ?? []) : []));
  return [...new Set(names)].toSorted();
}

function endpointsOf({ endpoints }: Resource): readonly SliceEndpoint[] {
  return (endpoints ?? []) as readonly SliceEndpoint[];
}

/** A slice may also have host names, which may lead anywhere. */
function hasAddresses({ addressType }: Resource): boolean {
  return addressType !== 'FQDN';
}

/** IPv4 before IPv6. */
function byFamily(left: Resource, right: Resource): number {
  const [a, b] = [String(left.addressType), String(right.addressType)];
  return a < b ? -1 : Number(a > b);
}

function choosePort(ports: readonly SlicePort[], wanted: number): number | undefined {
  const open = ports.filter(({ port, protocol }) => port != null && (protocol ?? 'TCP') === 'TCP');
  const chosen =
    open.find(({ port }) => port === wanted) ?? open.find(({ name }) => name?.startsWith('http')) ?? open[0];
  return chosen?.port ?? undefined;
}
