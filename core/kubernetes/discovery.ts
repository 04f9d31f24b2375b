// Which kinds the API server serves, and their plural names in URLs.
import { MillraceError } from '../contract/errors.ts';
import { groupPath } from './resource-paths.ts';
import type { Requests } from './api-requests.ts';

interface ServedKind {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export interface ScalableKind {
  readonly plural: string;
  /** Whether it is namespaced, and has a scale subresource. */
  readonly isScalable: boolean;
}

/** Caches the plural of a kind, which never changes. Whether a kind is served changes with its CRD, so that is always requested. */
export class Discovery {
  readonly #requests: Requests;
  readonly #known = new Map<string, string>();

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Whether the kind is served now. Rejects if the API server does not answer. */
  async has(apiVersion: string, kind: string): Promise<boolean> {
    return (await this.#ask(apiVersion)).some((served) => served.kind === kind);
  }

  /** Requested once per kind. Rejects with MILLRACE_KUBERNETES_MISSING if the kind is not served. */
  async pluralOf(apiVersion: string, kind: string): Promise<string> {
    const key = `${apiVersion} ${kind}`;
    if (!this.#known.has(key)) await this.#ask(apiVersion);
    const plural = this.#known.get(key);
    if (plural === undefined) {
      throw new MillraceError(
        'MILLRACE_KUBERNETES_MISSING',
        `the API server does not serve the kind ${kind} of ${apiVersion}`,
      );
    }
    return plural;
  }

  /** Undefined before the kind was found for the first time. */
  knownPlural(apiVersion: string, kind: string): string | undefined {
    return this.#known.get(`${apiVersion} ${kind}`);
  }

  /** Undefined if the kind is not served. Always requested, because a CRD may gain or lose the subresource. */
  async findScalable(apiVersion: string, kind: string): Promise<ScalableKind | undefined> {
    const all = await this.#list(apiVersion);
    const served = all.find((one) => one.kind === kind && !one.name.includes('/'));
    if (served === undefined) return undefined;
    const { name: plural, namespaced } = served;
    this.#known.set(`${apiVersion} ${kind}`, plural);
    return { plural, isScalable: namespaced && all.some(({ name }) => name === `${plural}/scale`) };
  }

  async #ask(apiVersion: string): Promise<ServedKind[]> {
    // A name such as `deployments/scale` is a subresource.
    const served = (await this.#list(apiVersion)).filter(({ name }) => !name.includes('/'));
    for (const { kind, name } of served) this.#known.set(`${apiVersion} ${kind}`, name);
    return served;
  }

  /** What the API server serves of one version of a group, with subresources; empty if it serves nothing of it. */
  async #list(apiVersion: string): Promise<readonly ServedKind[]> {
    try {
      const list = (await this.#requests.read(groupPath(apiVersion))) as { resources?: ServedKind[] };
      return list.resources ?? [];
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'MILLRACE_KUBERNETES_MISSING') return [];
      throw error;
    }
  }
}
