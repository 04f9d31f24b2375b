// Reads the Secrets that KafkaClusters name as Service Bindings, and resolves them. The Secrets are polled, because nobody has the right to
// watch Secrets. No secret value stays in memory.
import { resolveBinding, unresolvedBinding } from './service-binding.ts';
import type { Resolution } from '../../resources/cluster-resolution.ts';
import { describeError } from '../../contract/errors.ts';
import type { SecretReader } from '../../contract/secret-reader.ts';

export interface BindingPlace {
  readonly namespace: string;
  readonly secretName: string;
}

export interface BindingViewOptions {
  readonly secrets: Pick<SecretReader, 'read'>;
  readonly onChange: () => void;
  /** Milliseconds between two polls; 10,000 when absent. */
  readonly checkMs?: number | undefined;
}

export class BindingView {
  readonly #options: BindingViewOptions;
  #followed = new Map<string, BindingPlace>();
  #resolutions = new Map<string, Resolution>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: BindingViewOptions) {
    this.#options = options;
  }

  /** Follows exactly these bindings from now on. Resolves when new ones have been read. */
  async follow(places: readonly BindingPlace[]): Promise<void> {
    this.#followed = new Map(places.map((place) => [keyOf(place), place]));
    for (const key of this.#resolutions.keys()) if (!this.#followed.has(key)) this.#resolutions.delete(key);
    if (this.#followed.size === 0) clearTimeout(this.#timer);
    const fresh = [...this.#followed].filter(([key]) => !this.#resolutions.has(key));
    if (fresh.length > 0) await this.#poll(fresh.map(([, place]) => place));
  }

  resolution(place: BindingPlace): Resolution {
    const resolution = this.#resolutions.get(keyOf(place));
    return resolution ?? unresolvedBinding('is being looked up', 'Millrace continues by itself.');
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Reads `places`; all that are followed are read again and again. */
  async #poll(places: readonly BindingPlace[]): Promise<void> {
    const results = await Promise.all(places.map((place) => this.#read(place)));
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    const { checkMs = 10_000, onChange } = this.#options;
    if (this.#followed.size > 0)
      this.#timer = setTimeout(() => void this.#poll([...this.#followed.values()]), checkMs);
    if (results.includes('changed')) onChange();
  }

  async #read(place: BindingPlace): Promise<'changed' | 'same'> {
    const { namespace, secretName } = place;
    const known = this.#resolutions.get(keyOf(place));
    const now = await this.#options.secrets.read(namespace, secretName).then(
      (values) => resolveBinding(secretName, namespace, values),
      (error: unknown) => (known?.kind === 'found' ? known : unread(error)),
    );
    if (!this.#followed.has(keyOf(place))) return 'same';
    this.#resolutions.set(keyOf(place), now);
    return JSON.stringify(now) === JSON.stringify(known) ? 'same' : 'changed';
  }
}

function unread(error: unknown): Resolution {
  const remedy = 'secretAccess of the chart gives the right to read it. Millrace continues by itself.';
  return unresolvedBinding(`cannot be looked up: ${describeError(error)}`, remedy);
}

function keyOf({ namespace, secretName }: BindingPlace): string {
  return `${namespace}/${secretName}`;
}
