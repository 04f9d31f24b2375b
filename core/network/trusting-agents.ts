// Connections over HTTP to whom certain authorities vouch for. Where others are trusted, others are opened; the old ones end with what is
// under way on them.
import type { Agent } from 'undici';

export class TrustingAgents {
  readonly #open: (trust: { readonly ca?: string }) => Agent;
  readonly #agents = new Set<Agent>();
  #current: { readonly ca: string | undefined; readonly agent: Agent } | undefined;

  /** `open` makes an agent that connects with `trust`: without a `ca`, by the authorities that Node.js knows. */
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

  /** Cuts what is under way, on the old ones too. */
  async close(): Promise<void> {
    await Promise.all([...this.#agents].map((agent) => agent.destroy()));
  }
}
