// The scale subresource of a workload of any kind: https://kubernetes.io/docs/reference/kubernetes-api/autoscaling-resources/scale-v1/
import type { Resource, ResourceKind, ScaleReading } from '../contract/kubernetes-client.ts';
import type { Discovery } from './discovery.ts';
import type { Place } from './resource-paths.ts';

export interface ScaleAccess {
  readonly discovery: Pick<Discovery, 'knownPlural' | 'findScalable'>;
  /** Undefined if there is nothing at the place. */
  readonly get: (place: Place) => Promise<Resource | undefined>;
}

/** A group and a version, or a version alone. A user wrote it, and it becomes a part of the path of a request. */
const wellFormed = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?v[0-9][a-z0-9]*$/;

/** Asks which kinds there are only where nothing is found, so that a workload that exists costs one request. */
export async function readScale(
  { discovery, get }: ScaleAccess,
  { apiVersion, kind }: Omit<ResourceKind, 'plural'>,
  namespace: string,
  name: string,
): Promise<ScaleReading> {
  if (!wellFormed.test(apiVersion)) return { kind: 'kindMissing' };
  const read = async (plural: string): Promise<ScaleReading> => {
    const scale = await get({ apiVersion, plural, namespace, name, subresource: 'scale' });
    return scale === undefined ? { kind: 'missing' } : { kind: 'found', scale };
  };
  const known = discovery.knownPlural(apiVersion, kind);
  const reading = known === undefined ? undefined : await read(known);
  if (reading?.kind === 'found') return reading;
  const found = await discovery.findScalable(apiVersion, kind);
  if (found === undefined) return { kind: 'kindMissing' };
  if (!found.isScalable) return { kind: 'notScalable' };
  return reading ?? read(found.plural);
}
