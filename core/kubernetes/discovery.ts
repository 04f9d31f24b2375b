// Which kinds the API server serves, and their plural names in URLs.
import { MillraceError } from '../contract/errors.ts';
import { groupPath } from './resource-paths.ts';
import type { Requests } from './api-requests.ts';

interface ServedKind {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
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

  async #ask(apiVersion: string): Promise<ServedKind[]> {
    try {
      const list = (await this.#requests.read(groupPath(apiVersion))) as { resources?: ServedKind[] };
      // A name such as `deployments/scale` is a subresource.
      const served = list.resources?.filter(({ name }) => !name.includes('/')) ?? [];
      for (const { kind, name } of served) this.#known.set(`${apiVersion} ${kind}`, name);
      return served;
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'MILLRACE_KUBERNETES_MISSING') return [];
      throw error;
    }
  }
}
