// What is known of the resources of one kind, and what has changed of it since the last report. Pure.
import type { Resource, ResourceChange } from '../contract/kubernetes-client.ts';

export class ResourceCache {
  readonly #known = new Map<string, Resource>();
  /** By key: each resource as it was at the last report. */
  readonly #unreported = new Map<string, Resource | undefined>();

  get size(): number {
    return this.#known.size;
  }

  set(resource: Resource): void {
    const key = keyOf(resource);
    const before = this.#known.get(key);
    if (before !== undefined && before.metadata.resourceVersion === resource.metadata.resourceVersion) return;
    this.#note(key, before);
    this.#known.set(key, resource);
  }

  delete(resource: Resource): void {
    const key = keyOf(resource);
    const before = this.#known.get(key);
    if (before === undefined) return;
    this.#note(key, before);
    this.#known.delete(key);
  }

  /** From now on exactly `all` are known. */
  replace(all: readonly Resource[]): void {
    const kept = new Set(all.map(keyOf));
    for (const [key, resource] of this.#known) if (!kept.has(key)) this.delete(resource);
    for (const resource of all) this.set(resource);
  }

  /** Everything that is known, as added: for a listener that knows nothing yet. */
  all(): ResourceChange[] {
    return [...this.#known.values()].map((after) => ({ before: undefined, after }));
  }

  /** The changes since the last call, one for each resource. */
  takeChanges(): ResourceChange[] {
    const changes: ResourceChange[] = [];
    for (const [key, before] of this.#unreported) {
      const after = this.#known.get(key);
      if (before !== after) changes.push({ before, after });
    }
    this.#unreported.clear();
    return changes;
  }

  #note(key: string, before: Resource | undefined): void {
    if (!this.#unreported.has(key)) this.#unreported.set(key, before);
  }
}

function keyOf({ metadata }: Resource): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
