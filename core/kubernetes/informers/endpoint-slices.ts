// Reads the ready endpoints of a Service from its EndpointSlices. Pure.
// https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
import type { Resource } from '../../contract/kubernetes-client.ts';
import type { Endpoint } from '../../contract/endpoint-source.ts';

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

/**
 * The ready endpoints in all slices of one Service. `port` chooses among several ports of a slice. A pod with an IPv4 and an IPv6 address is
 * one endpoint. An unknown readiness counts as ready, as the API defines for `conditions.ready`.
 */
export function readyEndpoints(slices: readonly Resource[], port: number): Endpoint[] {
  const byPod = new Map<string, string>();
  for (const slice of slices.filter(hasAddresses).toSorted(byFamily)) {
    const chosen = choosePort((slice.ports ?? []) as readonly SlicePort[], port);
    if (chosen === undefined) continue;
    for (const { addresses: [address] = [], conditions, targetRef } of endpointsOf(slice)) {
      if (address === undefined || conditions?.ready === false || conditions?.terminating === true) continue;
      const pod = targetRef?.uid ?? address;
      if (!byPod.has(pod))
        byPod.set(pod, `http://${address.includes(':') ? `[${address}]` : address}:${chosen}`);
    }
  }
  return [...new Set(byPod.values())].toSorted().map((origin) => ({ origin }));
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

/** A slice may also have host names. They are not pods, and may lead anywhere. */
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
