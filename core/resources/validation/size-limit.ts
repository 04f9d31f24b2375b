// How large a whole spec may be. Each of its texts, lists and mappings has a bound in the schema, but all of them together could be some
// megabytes, and installations keep thousands of specs in memory.
import { valueAt, type Path } from '../../contract/path.ts';
import { invalid, type Mistake } from '../../contract/manifest-problem.ts';

/** As deep as mappings and lists may nest: what reads a spec may recurse that often. */
const maxDepth = 64;

/**
 * A mistake if what stands at `at` in `declared` holds more than `maxBytes` of names and values, or nests too deeply. It reads no further than
 * that.
 */
export function findExcess(declared: unknown, at: Path, maxBytes: number): Mistake | undefined {
  const waiting: { readonly value: unknown; readonly depth: number }[] = [
    { value: valueAt(declared, at), depth: 0 },
  ];
  let bytes = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) {
      bytes += Buffer.byteLength(String(value));
    } else {
      if (depth === maxDepth) return excess(at, `must not nest more than ${maxDepth} levels deep`);
      for (const [name, inner] of Object.entries(value)) {
        if (!Array.isArray(value)) bytes += Buffer.byteLength(name);
        waiting.push({ value: inner, depth: depth + 1 });
      }
    }
    // A list of empty lists has no bytes of its own, but each of its items takes memory.
    if (bytes + waiting.length > maxBytes)
      return excess(at, `must hold at most ${maxBytes / 1024} KiB of names and values`);
  }
  return undefined;
}

function excess(at: Path, message: string): Mistake {
  return invalid(at, 'value', message, 'Write less of it.');
}
