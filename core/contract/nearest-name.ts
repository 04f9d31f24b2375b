// The nearest right name for a wrong one: optimal string alignment distance, letter case and separators left
// aside.

/**
 * The candidate that `name` most likely meant, the first of equals; undefined where none is near, or within
 * `limit`.
 */
export function nearest(name: string, candidates: Iterable<string>, limit = Infinity): string | undefined {
  const meant = fold(name);
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    const right = fold(candidate);
    const length = Math.max(meant.length, right.length);
    // Three wrong letters out of three are no likeness.
    const allowed = Math.min(bestDistance - 1, Math.max(2, Math.ceil(length / 3)), length - 1);
    const distance = likeness(meant, right, allowed);
    if (distance <= allowed) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** The edit distance where it is within `allowed`, and something beyond otherwise. */
function likeness(meant: string, right: string, allowed: number): number {
  // Half of the right name is nearer than another name.
  if (meant.length > 2 && right.includes(meant)) return 1;
  const least = Math.abs(meant.length - right.length);
  return least > allowed ? least : editDistance(meant, right);
}

function fold(name: string): string {
  return name
    .slice(0, 100)
    .toLowerCase()
    .replaceAll(/[-_.\s]/g, '');
}

/** Insertions, deletions, replacements and swaps of neighbours that make one of the other. */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const differs = from[row - 1] === to[column - 1] ? 0 : 1;
      let distance = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + differs,
      );
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        distance = Math.min(distance, at(beforeLast, column - 2) + 1);
      }
      current.push(distance);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, to.length);
}

function at(row: readonly number[], column: number): number {
  return Number(row[column]);
}
