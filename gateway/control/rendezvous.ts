// Chooses which members serve a key, by rendezvous hashing (Thaler and Ravishankar, 1998): all members make the same choice without
// communicating, and when a member joins or leaves, only its own keys move.

/** The `count` members that serve `key`; all members where there are no more than that. */
export function chooseMembers(key: string, members: readonly string[], count: number): string[] {
  if (members.length <= count) return [...members];
  // The order of names decides between equal scores.
  const scored = members.toSorted().map((member) => ({ member, score: score(`${member}\0${key}`) }));
  scored.sort((a, b) => b.score - a.score);
  return scored.slice(0, count).map(({ member }) => member);
}

/** FNV-1a over the UTF-16 units, then the finalizer of MurmurHash3, so that names that differ in one digit get unrelated scores. */
function score(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
