// Commits in as many requests as it takes: a broker stores what one request commits as one batch, and refuses a batch that is larger than its
// offsets topic allows (1 MiB by default).

/** Of what one request commits. */
const mostBytes = 256 * 1024;

/** Each part is for one request. */
export function commitParts<T extends { readonly topic: string; readonly metadata: string }>(
  offsets: readonly T[],
  groupId: string,
): T[][] {
  const parts: T[][] = [];
  let bytes = Infinity;
  for (const one of offsets) {
    // The broker's record has the names of the group and of the topic in its key, and some numbers.
    const size = 100 + groupId.length + one.topic.length + Buffer.byteLength(one.metadata);
    if (bytes + size > mostBytes) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(one);
    bytes += size;
  }
  return parts;
}
