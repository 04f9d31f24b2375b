// Which kinds the API server serves, and what they are called in URLs.
import { MillraceError } from '../contract/errors.ts';
import { groupPath } from './paths.ts';
import type { Requests } from './requests.ts';

interface ServedKind {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** What was found stays known; what was not found is asked for again, for it may be installed meanwhile. */
export class Discovery {
  readonly #requests: Requests;
  readonly #known = new Map<string, string>();

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Undefined where the kind is not served. Rejects where the API server does not say. */
  async find(apiVersion: string, kind: string): Promise<string | undefined> {
    const known = this.#known.get(`${apiVersion} ${kind}`);
    return known ?? (await this.#ask(apiVersion)).find((served) => served.kind === kind)?.name;
  }

  /** As `find`, but rejects with MILLRACE_KUBERNETES_MISSING. */
  async pluralOf(apiVersion: string, kind: string): Promise<string> {
    const plural = await this.find(apiVersion, kind);
    if (plural === undefined) {
      throw new MillraceError(
        'MILLRACE_KUBERNETES_MISSING',
        `the API server knows no kind ${kind} of ${apiVersion}`,
      );
    }
    return plural;
  }

  async #ask(apiVersion: string): Promise<ServedKind[]> {
    try {
      const list = (await this.#requests.read(groupPath(apiVersion))) as { resources?: ServedKind[] };
      // `deployments/scale` is a part of one.
      const served = list.resources?.filter(({ name }) => !name.includes('/')) ?? [];
      for (const { kind, name } of served) this.#known.set(`${apiVersion} ${kind}`, name);
      return served;
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'MILLRACE_KUBERNETES_MISSING') return [];
      throw error;
    }
  }
}
