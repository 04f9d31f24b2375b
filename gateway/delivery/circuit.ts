// Whether an endpoint is left alone for a while: an outlier detection like Envoy's, for one endpoint. Pure.
//
//                 enough failures in a row
//      closed ─────────────────────────────► open, for base × n ◄──────────┐
//        ▲                                     │ the time is over          │ it fails: n + 1
//        └──── any answer from the function ── half-open: one request ─────┘
//
// - A failure is what a broken endpoint does whatever it is sent: 502, 503, 504, a time-out, a broken connection. Anything
//   else proves that the function is there, and ends the row: 500 for one record never opens a circuit.
// - After 5 failures in a row it opens where other endpoints can serve; the last one that is left has 20, because leaving it
//   alone stops the trigger, and because an address may be a balancer with sound pods behind it.
// - It opens for base × n with n = 1, 2, 3, … in a row, at most 30 s, less a jitter. A first opening is short: a row of
//   failures that was one record's stops the others for a second.
// - Nothing is charged while it is open: records wait. The request that tries it is an ordinary attempt, and is charged, so
//   that a record that always fails comes to its end. Who has waited longest is first, so it is not the poison record twice.
// - A trial that takes longer than the circuit would be open does not stop the others: another one goes after that time.
// - Before it opens, an endpoint that failed a moment ago, or asked for time by `Retry-After`, comes last among those with room.
//   `Retry-After` alone never opens it, for the function may mean that one event; it makes an opening longer.

export const openBaseMs = 1_000;
export const longestOpenMs = 30_000;
const jitter = 0.2;
const failuresWithOthers = 5;
const failuresAlone = 20;

export type CircuitChange = 'opened' | 'closed' | undefined;

export class Circuit {
  readonly #random: () => number;
  /** Failures since the last sign of life. */
  #row = 0;
  /** How often in a row it opened; 0 while it is closed. */
  #openings = 0;
  /** While open, when the next request may go. */
  #dueMs = 0;
  /** When it opened or closed last: what was sent before that says nothing new. */
  #changedMs = -Infinity;
  #avoidedUntilMs = -Infinity;

  /** @param random as `Math.random`: in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  get isOpen(): boolean {
    return this.#openings > 0;
  }

  /** False on the fast path: closed, and nothing to remember; then none of the times below matter. */
  get isTroubled(): boolean {
    return this.#row > 0 || this.#openings > 0 || this.#avoidedUntilMs > -Infinity;
  }

  /** When the next request may go, on the clock of the others. */
  get dueMs(): number {
    return this.isOpen ? this.#dueMs : -Infinity;
  }

  /** True where others with room are to be taken first. */
  isAvoided(nowMs: number): boolean {
    return nowMs < this.#avoidedUntilMs;
  }

  /** A request goes out: the next one waits until this one has shown something, or its time is over. */
  sent(nowMs: number): void {
    if (this.isOpen) this.#dueMs = nowMs + this.#openMs();
  }

  /** The function answered, whatever it said. `askedMs`: how long it asked to be left alone, 0 where it did not. */
  answered(nowMs: number, askedMs: number): CircuitChange {
    this.#row = 0;
    this.#avoidedUntilMs = askedMs > 0 ? nowMs + Math.min(askedMs, longestOpenMs) : -Infinity;
    if (!this.isOpen) return undefined;
    this.#openings = 0;
    this.#changedMs = nowMs;
    return 'closed';
  }

  /** A request failed that was sent at `startedMs`. `hasOthers`: another endpoint has its circuit closed. */
  failed(startedMs: number, nowMs: number, askedMs: number, hasOthers: boolean): CircuitChange {
    if (startedMs < this.#changedMs) return undefined;
    this.#row += 1;
    const asked = Math.min(askedMs, longestOpenMs);
    this.#avoidedUntilMs = nowMs + Math.max(openBaseMs, asked);
    const wasOpen = this.isOpen;
    if (!wasOpen && this.#row < (hasOthers ? failuresWithOthers : failuresAlone)) return undefined;
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
