// Which events of a batch a function reports as failed, from the body of a 2xx (docs: Functions, "Batches"). The rules are those of AWS Lambda for
// `batchItemFailures`. JSON is parsed, never searched, and what cannot be read is never taken for success. Pure.
import { isUtf8 } from 'node:buffer';
import type { CloudEvent } from '../../core/contract/event.ts';
import { isJsonMediaType } from '../../core/contract/media-type.ts';

/** What a function may name an event by. No two of a batch have the same id. */
export type EventIdentity = Pick<CloudEvent, 'id' | 'source'>;

export type BatchFailures = { readonly ids: ReadonlySet<string> } | { readonly malformed: string };

const noneFailed: BatchFailures = { ids: new Set() };
const byteOrderMark = '\ufeff';

/**
 * `batch`: its events. An empty body, a null or empty list, JSON without the list, and text that is no JSON object report no failure.
 * Malformed, so that the whole batch has failed: a list that is not one, an item that names no event of the batch, JSON that cannot be parsed.
 */
export function batchFailures(
  contentType: string | undefined,
  body: Buffer,
  batch: readonly EventIdentity[],
): BatchFailures {
  if (body.length === 0) return noneFailed;
  const claimsJson = contentType !== undefined && isJsonMediaType(contentType);
  const parsed = parse(body);
  if (parsed === undefined) {
    return claimsJson || mayBeJson(body)
      ? { malformed: 'the function answered JSON that cannot be parsed' }
      : noneFailed;
  }
  const list =
    typeof parsed.value === 'object' && parsed.value !== null && 'batchItemFailures' in parsed.value
      ? parsed.value.batchItemFailures
      : undefined;
  if (list === undefined || list === null) return noneFailed;
  if (!Array.isArray(list)) return { malformed: 'the function answered batchItemFailures that are no list' };
  if (list.length === 0) return noneFailed;
  const sources = new Map(batch.map(({ id, source }) => [id, source]));
  const ids = new Set<string>();
  for (const item of list as readonly unknown[]) {
    const id = idOf(item, sources);
    if (id === undefined)
      return { malformed: 'the function answered batchItemFailures that do not match the batch' };
    ids.add(id);
  }
  return { ids };
}

function parse(body: Buffer): { readonly value: unknown } | undefined {
  if (!isUtf8(body)) return undefined;
  const text = body.toString('utf8');
  try {
    return { value: JSON.parse(text.startsWith(byteOrderMark) ? text.slice(1) : text) };
  } catch {
    return undefined;
  }
}

/** An object begins with a brace, and text in UTF-16 has a zero among its first bytes. */
function mayBeJson(body: Buffer): boolean {
  return body.subarray(0, 4).includes(0) || /^\ufeff?\s*\{/.test(body.toString('utf8'));
}

/** `{ itemIdentifier }`: the id of an event, or its `{ source, id }`. */
function idOf(item: unknown, sources: ReadonlyMap<string, string>): string | undefined {
  const named = (item as { itemIdentifier?: unknown } | null | undefined)?.itemIdentifier;
  if (typeof named === 'string') return sources.has(named) ? named : undefined;
  const { id, source } = (named ?? {}) as { id?: unknown; source?: unknown };
  return typeof id === 'string' && sources.get(id) === source ? id : undefined;
}
