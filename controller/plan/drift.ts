// Drift: whether a resource in the cluster still is what the controller applied, and what to write where it is not.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { serviceKind, triggerKind } from '../../core/resources/kinds.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt, type Path } from '../../core/contract/path.ts';
import { appliedAnnotation } from '../ownership.ts';

/** `resource` with its own hash as an annotation. */
export function withAppliedHash(resource: Resource): Resource {
  const hash = createHash('sha256').update(JSON.stringify(resource)).digest('hex').slice(0, 16);
  const annotations = { ...resource.metadata.annotations, [appliedAnnotation]: hash };
  return { ...resource, metadata: { ...resource.metadata, annotations } };
}

/** Fields that must be equal, not only contain what was applied: an added label in a selector selects fewer pods. */
const exactPaths: Readonly<Record<string, Path>> = {
  [triggerKind.kind]: ['spec'],
  [serviceKind.kind]: ['spec', 'selector'],
};

/** Whether `found` is what an apply of `desired` leaves, and nobody has changed an applied field since. */
export function isUpToDate(found: Resource, desired: Resource): boolean {
  const path = exactPaths[desired.kind];
  const isExact = path === undefined || isDeepStrictEqual(valueAt(found, path), valueAt(desired, path));
  return isExact && contains(found, desired);
}

/** `found` with the desired spec, for a replace: what others added is removed, which no apply does. */
export function withoutDrift(found: Resource, desired: Resource): Resource {
  // All fields of such a Trigger come from annotations. The spec of another resource has fields that the API server or KEDA sets.
  const isWholeSpec = desired.kind === triggerKind.kind;
  const { metadata: _metadata, spec, ...others } = desired;
  const merged = isWholeSpec ? spec : { ...(found.spec as object), ...(spec as object) };
  return { ...found, ...others, ...(spec === undefined ? {} : { spec: merged }) };
}

/** Whether `whole` has everything that `part` has. Lists must have the same length, because their items are told apart only by position. */
function contains(whole: unknown, part: unknown): boolean {
  if (Array.isArray(part)) {
    if (!Array.isArray(whole) || whole.length !== part.length) return false;
    return part.every((item, index) => contains(whole[index], item));
  }
  // The API server leaves out what is false.
  if (part === false && whole === undefined) return true;
  if (typeof part !== 'object' || part === null) return whole === part;
  if (typeof whole !== 'object' || whole === null) return false;
  return Object.entries(part).every(([key, value]) =>
    contains((whole as Record<string, unknown>)[key], value),
  );
}
