// Which of several members serve a key, by rendezvous hashing (Thaler and Ravishankar, 1998): everybody finds the same ones without a
// word, and when a member comes or goes only its own keys move.

/** The `count` members that serve `key`; all of them where there are no more. */
export function chooseMembers(key: string, members: readonly string[], count: number): string[] {
  if (members.length <= count) return [...members];
  // By name first: of equal scores it decides.
  const scored = members.toSorted().map((member) => ({ member, score: score(`${member}\0${key}`) }));
  scored.sort((a, b) => b.score - a.score);
  return scored.slice(0, count).map(({ member }) => member);
}

/** FNV-1a over the UTF-16 units, and MurmurHash3's finalizer, for names that differ in one digit must not score alike. */
function score(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
