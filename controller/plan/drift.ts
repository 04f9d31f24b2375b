// Drift: whether a resource in the cluster still is what the controller applied, and what to write where it is not.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { serviceKind, triggerKind } from '../../core/resources/kinds.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt, type Path } from '../../core/contract/path.ts';
import { appliedAnnotation } from '../names.ts';

/** `resource` with its own hash among the annotations. */
export function withAppliedHash(resource: Resource): Resource {
  const hash = createHash('sha256').update(JSON.stringify(resource)).digest('hex').slice(0, 16);
  const annotations = { ...resource.metadata.annotations, [appliedAnnotation]: hash };
  return { ...resource, metadata: { ...resource.metadata, annotations } };
}

/** Where nothing may be added either: a selector with more in it selects less. */
const wholeAt: Readonly<Record<string, Path>> = {
  [triggerKind.kind]: ['spec'],
  [serviceKind.kind]: ['spec', 'selector'],
};

/** Whether `found` is as `wanted` was applied, and nobody has changed what was. */
export function isAsWanted(found: Resource, wanted: Resource): boolean {
  const path = wholeAt[wanted.kind];
  const isWhole = path === undefined || isDeepStrictEqual(valueAt(found, path), valueAt(wanted, path));
  return isWhole && contains(found, wanted);
}

/** `found` as it should be, where others have added to it what no apply takes away: it is to be written whole. */
export function withoutAdditions(found: Resource, wanted: Resource): Resource {
  const isOurs = wanted.kind === triggerKind.kind;
  return {
    ...found,
    spec: isOurs ? wanted.spec : { ...(found.spec as object), ...(wanted.spec as object) },
  };
}

/** Whether all of `part` stands in `whole`; lists must be as long, for what is in them has no other name. */
function contains(whole: unknown, part: unknown): boolean {
  if (Array.isArray(part)) {
    if (!Array.isArray(whole) || whole.length !== part.length) return false;
    return part.every((item, index) => contains(whole[index], item));
  }
  if (typeof part !== 'object' || part === null) return whole === part;
  if (typeof whole !== 'object' || whole === null) return false;
  return Object.entries(part).every(([key, value]) =>
    contains((whole as Record<string, unknown>)[key], value),
  );
}
