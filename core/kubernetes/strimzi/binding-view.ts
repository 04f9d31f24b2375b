// What the Secrets lead to that KafkaClusters name as bindings: read again and again, for nobody may watch Secrets. Nothing secret is kept.
import { lackingBinding, resolveBinding } from './service-binding.ts';
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
  /** Milliseconds between two looks; 10,000 when absent. */
  readonly checkMs?: number | undefined;
}

export class BindingView {
  readonly #options: BindingViewOptions;
  #wanted = new Map<string, BindingPlace>();
  #resolutions = new Map<string, Resolution>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: BindingViewOptions) {
    this.#options = options;
  }

  /** All that are to be known from now on. Resolves when each has been looked at. */
  async want(places: readonly BindingPlace[]): Promise<void> {
    this.#wanted = new Map(places.map((place) => [keyOf(place), place]));
    for (const key of this.#resolutions.keys()) if (!this.#wanted.has(key)) this.#resolutions.delete(key);
    const isNew = [...this.#wanted.keys()].some((key) => !this.#resolutions.has(key));
    if (isNew) await this.#look();
  }

  resolution(place: BindingPlace): Resolution {
    const notYet = (): Resolution => lackingBinding('is being looked up', 'It goes on by itself.');
    return this.#resolutions.get(keyOf(place)) ?? notYet();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    const looks = await Promise.all([...this.#wanted.values()].map((place) => this.#lookAt(place)));
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    const { checkMs = 10_000, onChange } = this.#options;
    if (this.#wanted.size > 0) this.#timer = setTimeout(() => void this.#look(), checkMs);
    if (looks.includes('changed')) onChange();
  }

  async #lookAt(place: BindingPlace): Promise<'changed' | 'same'> {
    const { namespace, secretName } = place;
    const known = this.#resolutions.get(keyOf(place));
    const now = await this.#options.secrets.read(namespace, secretName).then(
      (values) => resolveBinding(secretName, namespace, values),
      (error: unknown) => (known?.kind === 'found' ? known : unread(error)),
    );
    if (!this.#wanted.has(keyOf(place))) return 'same';
    this.#resolutions.set(keyOf(place), now);
    return JSON.stringify(now) === JSON.stringify(known) ? 'same' : 'changed';
  }
}

function unread(error: unknown): Resolution {
  const remedy = 'The right is given by secretAccess of the chart. It goes on by itself.';
  return lackingBinding(`cannot be looked up: ${describeError(error)}`, remedy);
}

function keyOf({ namespace, secretName }: BindingPlace): string {
  return `${namespace}/${secretName}`;
}
