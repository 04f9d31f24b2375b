// HTTP agents that trust given CAs. When the CAs change, a new agent opens new connections; the old agent closes when its requests have ended.
import type { Agent } from 'undici';

export class TrustingAgents {
  readonly #open: (trust: { readonly ca?: string }) => Agent;
  readonly #agents = new Set<Agent>();
  #current: { readonly ca: string | undefined; readonly agent: Agent } | undefined;

  /** `open` makes an agent with the CAs in `trust`; without a `ca`, with those that Node.js trusts. */
  constructor(open: (trust: { readonly ca?: string }) => Agent) {
    this.#open = open;
  }

  trusting(ca: string | undefined): Agent {
    if (this.#current !== undefined && this.#current.ca === ca) return this.#current.agent;
    const old = this.#current?.agent;
    if (old !== undefined) void old.close().finally(() => this.#agents.delete(old));
    const agent = this.#open(ca === undefined ? {} : { ca });
    this.#agents.add(agent);
    this.#current = { ca, agent };
    return agent;
  }

  /** Aborts all requests in flight, also those of old agents. */
  async close(): Promise<void> {
    await Promise.all([...this.#agents].map((agent) => agent.destroy()));
  }
}
