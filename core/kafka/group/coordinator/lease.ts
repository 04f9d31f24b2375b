// Until when the group cannot have given to others what a member has, by either protocol. It gives them away
//
// - when it has not heard of the member for the session timeout, which begins anew with each request that it accepts: so not before the
//   session timeout after the last accepted one was sent;
// - when the member does not do what the group waits for within the rebalance timeout, heartbeats or not: to join again, or to let go of what
//   it is asked for.
//
// Nothing else, but for an operator who removes the member.

/** How long members may take to do what the group waits for, in ms. */
export const rebalanceTimeoutMs = 30_000;

/** All times are in ms of `performance.now()`, and those of requests are the times when they were sent. */
export class Lease {
  /** How long the group waits for a member that it does not hear of, in ms, as far as that is certain. */
  sessionMs: number;
  #heardMs = Number.NEGATIVE_INFINITY;
  /** The group may have waited for the member since then. */
  #awaitedMs: number | undefined;

  constructor(sessionMs: number) {
    this.sessionMs = sessionMs;
  }

  get endMs(): number {
    return Math.min(this.#heardMs + this.sessionMs, (this.#awaitedMs ?? Infinity) + rebalanceTimeoutMs);
  }

  /** The group has answered a request of this member: it was one then. */
  heard(sentMs: number): void {
    this.#heardMs = Math.max(this.#heardMs, sentMs);
  }

  /** The group waits for the member to do something, and not since before `sinceMs`. */
  awaited(sinceMs: number): void {
    this.#awaitedMs ??= sinceMs;
  }

  /** The group waits for nothing of the member. */
  settled(): void {
    this.#awaitedMs = undefined;
  }

  /** The group does not know this member. */
  end(): void {
    this.#heardMs = Number.NEGATIVE_INFINITY;
    this.#awaitedMs = undefined;
  }
}
