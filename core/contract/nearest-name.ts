// Finds the valid name that a wrong one most likely meant: optimal string alignment distance, ignoring case and separators.

/** The candidate nearest to `name`, the first of several; undefined if none is near, or none within `limit`. */
export function nearest(name: string, candidates: Iterable<string>, limit = Infinity): string | undefined {
  const meant = fold(name);
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    const right = fold(candidate);
    const length = Math.max(meant.length, right.length);
    // Three wrong letters out of three have nothing in common.
    const allowed = Math.min(bestDistance - 1, Math.max(2, Math.ceil(length / 3)), length - 1);
    const distance = likeness(meant, right, allowed);
    if (distance <= allowed) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** The edit distance if it is within `allowed`, else any larger number. */
function likeness(meant: string, right: string, allowed: number): number {
  // A part of the valid name is nearer than any other name.
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

/** The number of insertions, deletions, replacements and swaps of neighbours that turn `from` into `to`. */
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
