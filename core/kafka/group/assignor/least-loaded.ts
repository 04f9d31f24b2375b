// Which member of a group takes the next partition of a topic: of those that subscribe to it, the one that has the fewest, and of
// several such the first. Members that subscribe to the same topics are one heap, so that a choice costs the logarithm of their number.

/** A member, and how many partitions it had when it was last put into the heap. */
interface Entry {
  readonly member: number;
  count: number;
}

export class LeastLoaded {
  readonly #counts: number[];
  /** By topic. Topics with the same subscribers share one. */
  readonly #heaps = new Map<string, Entry[]>();

  /** `topics` and `counts` of each member. */
  constructor(topics: readonly (readonly string[])[], counts: readonly number[]) {
    this.#counts = [...counts];
    const shared = new Map<string, Entry[]>();
    for (const [topic, classes] of subscribers(topics)) {
      const key = classes.map(({ id }) => id).join();
      let heap = shared.get(key);
      if (heap === undefined)
        shared.set(key, (heap = this.#heapOf(classes.flatMap(({ members }) => members))));
      this.#heaps.set(topic, heap);
    }
  }

  /** The index of the member, which has one more from now on; undefined where nobody subscribes to `topic`. */
  next(topic: string): number | undefined {
    const heap = this.#heaps.get(topic);
    const least = heap?.[0];
    if (heap === undefined || least === undefined) return undefined;
    // Other topics may have given it more since. Counts only grow: whoever is up to date and on top has the fewest.
    for (let top = least; ; top = heap[0] ?? top) {
      const count = this.#counts[top.member] ?? 0;
      if (top.count === count) {
        this.#counts[top.member] = top.count = count + 1;
        sink(heap, 0);
        return top.member;
      }
      top.count = count;
      sink(heap, 0);
    }
  }

  #heapOf(members: readonly number[]): Entry[] {
    // A sorted list is a heap.
    return members.map((member) => ({ member, count: this.#counts[member] ?? 0 })).sort(compare);
  }
}

/** Members that subscribe to the same topics. */
interface SubscriberClass {
  readonly id: number;
  readonly members: number[];
}

function subscribers(topics: readonly (readonly string[])[]): Map<string, SubscriberClass[]> {
  const classes = new Map<string, SubscriberClass>();
  const byTopic = new Map<string, SubscriberClass[]>();
  topics.forEach((theirs, member) => {
    const key = JSON.stringify(theirs);
    const known = classes.get(key);
    if (known !== undefined) {
      known.members.push(member);
      return;
    }
    const added = { id: classes.size, members: [member] };
    classes.set(key, added);
    for (const topic of theirs) {
      const list = byTopic.get(topic);
      if (list === undefined) byTopic.set(topic, [added]);
      else list.push(added);
    }
  });
  return byTopic;
}

function compare(a: Entry, b: Entry): number {
  return a.count - b.count || a.member - b.member;
}

/** Moves the entry at `from` down to where it belongs. */
function sink(heap: Entry[], from: number): void {
  for (let at = from; ;) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) if (isBefore(heap[child], heap[least])) least = child;
    if (least === at) return;
    [heap[at], heap[least]] = [heap[least] as Entry, heap[at] as Entry];
    at = least;
  }
}

function isBefore(a: Entry | undefined, b: Entry | undefined): boolean {
  return a !== undefined && b !== undefined && compare(a, b) < 0;
}
