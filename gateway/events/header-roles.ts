// Decides what each header name of a Kafka record means to the decoder. Results are cached per name.
import { isCoreName, isExtensionName, isRepeated } from './attributes.ts';
import type { CoreAttributes } from './attributes.ts';

export type HeaderRole =
  /** `required`: a record with this header claims to be a CloudEvent. `repeated`: its values repeat. */
  | {
      readonly kind: 'core';
      readonly attribute: keyof CoreAttributes;
      readonly required: boolean;
      readonly repeated: boolean;
      readonly carriedAs: string;
    }
  | { readonly kind: 'extension'; readonly attribute: string; readonly carriedAs: string }
  /** An attribute that Millrace sets from the record: the value that the producer wrote is ignored. */
  | { readonly kind: 'owned'; readonly carriedAs: string }
  /** A `ce_` header whose name is not a valid attribute name. */
  | { readonly kind: 'invalid'; readonly carriedAs: string }
  | { readonly kind: 'content-type'; readonly carriedAs: string }
  | { readonly kind: 'trace'; readonly attribute: 'traceparent' | 'tracestate'; readonly carriedAs: string }
  | { readonly kind: 'other'; readonly carriedAs: string };

/** Names in the cache of a decoder. The limit bounds its memory where a producer generates names: further names are not cached. */
const maxKnownNames = 1_000;

const requiredAttributes: ReadonlySet<string> = new Set(['specversion', 'id', 'source', 'type']);
const ownedAttributes: ReadonlySet<string> = new Set(['kafkatopic', 'kafkapartition', 'kafkaoffset']);

/** Returns a look-up of roles that caches the first thousand names. */
export function createHeaderRoles(): (name: string) => HeaderRole {
  const known = new Map<string, HeaderRole>();
  return (name) => {
    const role = known.get(name);
    if (role !== undefined) return role;
    const found = roleOf(name);
    if (known.size < maxKnownNames) known.set(name, found);
    return found;
  };
}

/**
 * The role of the header `name`. As in the Java SDK, the prefix `ce_` is matched exactly (Kafka binding, section 3.2.3.1), and the
 * attribute name after it is read in lower case. `content-type`, `traceparent` and `tracestate` are matched in any case.
 */
function roleOf(name: string): HeaderRole {
  const lower = name.toLowerCase();
  const carriedAs = `kafkaheader${lower.replace(/[^a-z0-9]/g, '')}`;
  if (lower === 'content-type') return { kind: 'content-type', carriedAs };
  if (lower === 'traceparent' || lower === 'tracestate')
    return { kind: 'trace', attribute: lower, carriedAs };
  if (!name.startsWith('ce_')) return { kind: 'other', carriedAs };
  const attribute = lower.slice(3);
  if (isCoreName(attribute)) {
    return {
      kind: 'core',
      attribute,
      required: requiredAttributes.has(attribute),
      repeated: isRepeated(attribute),
      carriedAs,
    };
  }
  if (ownedAttributes.has(attribute)) return { kind: 'owned', carriedAs };
  return isExtensionName(attribute)
    ? { kind: 'extension', attribute, carriedAs }
    : { kind: 'invalid', carriedAs };
}
