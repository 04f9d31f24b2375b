// Finds the keys that name a thing: what has to be looked at when the thing changes. Pure.

const none: ReadonlySet<string> = new Set();

export class KeyIndex {
  readonly #named = new Map<string, readonly string[]>();
  readonly #naming = new Map<string, Set<string>>();

  /** `key` names exactly `things` from now on. */
  set(key: string, things: readonly string[]): void {
    for (const thing of this.#named.get(key) ?? []) {
      if (things.includes(thing)) continue;
      const keys = this.#naming.get(thing);
      keys?.delete(key);
      if (keys?.size === 0) this.#naming.delete(thing);
    }
    if (things.length === 0) this.#named.delete(key);
    else this.#named.set(key, things);
    for (const thing of things) {
      const keys = this.#naming.get(thing);
      if (keys === undefined) this.#naming.set(thing, new Set([key]));
      else keys.add(key);
    }
  }

  of(thing: string): ReadonlySet<string> {
    return this.#naming.get(thing) ?? none;
  }

  get size(): number {
    return this.#named.size + this.#naming.size;
  }
}
