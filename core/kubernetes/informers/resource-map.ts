// The resources of a watch, by `namespace/name`. Pure.
import type { Resource, ResourceChange } from '../../contract/kubernetes-client.ts';

export class ResourceMap {
  readonly #resources = new Map<string, Resource>();

  apply(changes: readonly ResourceChange[]): void {
    for (const { before, after } of changes) {
      if (after !== undefined) this.#resources.set(keyOf(after), after);
      else if (before !== undefined) this.#resources.delete(keyOf(before));
    }
  }

  get size(): number {
    return this.#resources.size;
  }

  get(key: string): Resource | undefined {
    return this.#resources.get(key);
  }

  all(): Resource[] {
    return [...this.#resources.values()];
  }

  clear(): void {
    this.#resources.clear();
  }
}

/** `namespace/name`. */
export function keyOf({ metadata: { namespace = '', name } }: Resource): string {
  return `${namespace}/${name}`;
}
