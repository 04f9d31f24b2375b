// The circuit breaker of one endpoint, like Envoy's outlier detection: stops requests to an endpoint that keeps failing. Pure.
//
//                 enough failures in a row
//      closed ─────────────────────────────► open, for base × n ◄──────────┐
//        ▲                                     │ that time is over         │ it fails: n + 1
//        └──── any answer from the function ── half-open: one request ─────┘
//
// - A failure is what a broken endpoint does with any request: 502, 503, 504, a timeout, a broken connection. Any other answer
//   proves that the function is there, and resets the count: a 500 for one record never opens a circuit.
// - The circuit opens after 5 failures in a row where other endpoints can serve. The last endpoint that is left gets 20, because
//   its open circuit stops the trigger, and because its address may be a load balancer with healthy pods behind it.
// - It stays open for base × n with n = 1, 2, 3, … for openings in a row, at most 30 s, minus a jitter. The first opening is short,
//   so that failures in a row that one record caused stop the other records for a second only.
// - Records wait while it is open, and are charged no attempt. The request that tries the endpoint is an ordinary attempt and is
//   charged, so that a record that always fails is exhausted in the end. The record that has waited longest goes first, so the
//   poison record is not tried twice in a row.
// - A trial that takes longer than the circuit would stay open does not stop the others: another trial starts after that time.
// - Before the circuit opens, an endpoint that has just failed, or has sent `Retry-After`, comes last among those with room.
//   `Retry-After` alone never opens the circuit, because the function may mean one event only. It makes an opening longer.

export const openBaseMs = 1_000;
export const longestOpenMs = 30_000;
const jitter = 0.2;
const failuresWithOthers = 5;
const failuresAlone = 20;

export type CircuitChange = 'opened' | 'closed' | undefined;

export class Circuit {
  readonly #random: () => number;
  /** Failures since the last answer. */
  #failuresInRow = 0;
  /** How many times in a row it opened; 0 while it is closed. */
  #openings = 0;
  /** While it is open: when the next request may be sent. */
  #dueMs = 0;
  /** When it last opened or closed. A request that was sent before then gives no new information. */
  #changedMs = -Infinity;
  #avoidedUntilMs = -Infinity;

  /** @param random as `Math.random`: in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  get isOpen(): boolean {
    return this.#openings > 0;
  }

  /** False on the fast path: closed, no recent failure, no `Retry-After`. Then the times below do not matter. */
  get isTroubled(): boolean {
    return this.#failuresInRow > 0 || this.#openings > 0 || this.#avoidedUntilMs > -Infinity;
  }

  /** When the next request may be sent, on the same clock as the `nowMs` of the other methods. */
  get dueMs(): number {
    return this.isOpen ? this.#dueMs : -Infinity;
  }

  /** True where other endpoints with room should be picked first. */
  isAvoided(nowMs: number): boolean {
    return nowMs < this.#avoidedUntilMs;
  }

  /** A request was sent. While the circuit is open, the next one waits until this one has a result, or until the open time is over. */
  sent(nowMs: number): void {
    if (this.isOpen) this.#dueMs = nowMs + this.#openMs();
  }

  /** The function gave an answer that is not a failure. `askedMs`: the delay that it asked for by `Retry-After`, or 0. */
  answered(nowMs: number, askedMs: number): CircuitChange {
    this.#failuresInRow = 0;
    this.#avoidedUntilMs = askedMs > 0 ? nowMs + Math.min(askedMs, longestOpenMs) : -Infinity;
    if (!this.isOpen) return undefined;
    this.#openings = 0;
    this.#changedMs = nowMs;
    return 'closed';
  }

  /** A request that was sent at `startedMs` failed. `hasOthers`: another endpoint has a closed circuit. */
  failed(startedMs: number, nowMs: number, askedMs: number, hasOthers: boolean): CircuitChange {
    if (startedMs < this.#changedMs) return undefined;
    this.#failuresInRow += 1;
    const asked = Math.min(askedMs, longestOpenMs);
    this.#avoidedUntilMs = nowMs + Math.max(openBaseMs, asked);
    const wasOpen = this.isOpen;
    if (!wasOpen && this.#failuresInRow < (hasOthers ? failuresWithOthers : failuresAlone)) return undefined;
    this.#openings += 1;
    this.#changedMs = nowMs;
    this.#dueMs = nowMs + Math.max(this.#openMs(), asked);
    return wasOpen ? undefined : 'opened';
  }

  #openMs(): number {
    const longest = Math.min(openBaseMs * this.#openings, longestOpenMs);
    return longest * (1 - jitter * this.#random());
  }
}
