// Learns how many requests an endpoint may have in flight from how it serves them. Pure: the caller passes the time.
//
// The algorithm is TCP Vegas (Brakmo and Peterson, 1995), as Netflix's concurrency-limits and Envoy's adaptive concurrency filter
// apply it to requests: the latency without a queue is known, any latency above it means a queue, and the limit is what fills the
// endpoint without a queue. Losses (429, 503, timeouts) cut the limit at once, as in TCP Reno.
//
// - Requests are evaluated in windows. A window leaves out the first answers after a change of the limit. Its latency is the mean of
//   logarithms, with an error. A rise below that error counts as none, so latency that varies with the event does not shrink the limit.
// - The latency without a queue is what a window shows at the lower bound, with half of the limit unused, or in a trial: after 50
//   windows without any of these, the limit is halved for one window. This latency can go up as well as down, so the limit adapts to
//   a function that became slower for good, or that gets larger events. (A long-term average, as in Netflix's Gradient2, would take
//   the latency under a backlog of hours for the normal one.)
// - The limit begins at the lower bound and doubles until the latency rises. From then on it grows by its square root, or by one
//   after a loss. It grows only while it is used.
// - A batch counts with its whole latency: while batches differ much in size, less is learned.
import type { ConcurrencyBounds } from '../../core/contract/subscription.ts';
import type { HealthSignal } from './health-signal.ts';

/** The latency of a window, relative to that without a queue: up to the first factor the limit grows, above the second it shrinks. */
const growUpTo = Math.log(1.2);
const shrinkAbove = Math.log(1.5);
/** The relative latency that shrinking aims at, and the smallest factor of one step. */
const shrinkTarget = 1.25;
const smallestShrink = 0.7;
const afterLoss = 0.8;
const windowsBetweenTrials = 50;
/**
 * A window has this many samples per unit of the limit, within these bounds. It has fewer while the limit doubles, so that slow
 * functions reach their limit soon.
 */
const samplesPerLimit = 4;
const fewestSamples = 32;
const fewestWhileDoubling = 8;
const mostSamples = 128;
/** Shorter latencies, in ms, are beyond the precision of the clock. */
const shortestMs = 0.01;
/** However steady latencies are, their mean is not known better than to 2 %. */
const leastVariance = 0.02 ** 2;
/** The difference that chance explains, in standard errors: one window in eighty exceeds it. */
const standardErrors = 2.5;

/** A mean of logarithms of latencies, and how well it is known. */
interface Estimate {
  readonly mean: number;
  readonly variance: number;
}

export class ConcurrencyLimit {
  readonly #bounds: ConcurrencyBounds;
  #limit: number;
  /** Latency without a queue; undefined until a window has shown it. */
  #base: Estimate | undefined;
  /** How many answers to ignore: those to requests that were sent under another limit. */
  #toSkip = 0;
  #lostMs = -Infinity;
  #samples = 0;
  #sum = 0;
  #sumOfSquares = 0;
  #peak = 0;
  #windows = 0;
  #isDoubling = true;
  #hadLoss = false;
  /** During a trial, the limit that it interrupts. */
  #interrupted: number | undefined;

  constructor(bounds: ConcurrencyBounds) {
    this.#bounds = bounds;
    this.#limit = bounds.min;
  }

  /** Requests that may be in flight: a whole number within the bounds. */
  get current(): number {
    return Math.floor(this.#limit);
  }

  /**
   * A request ended at `nowMs`, after `latencyMs`. `inFlight`: requests in flight when it was sent, itself included.
   * Latency counts only for requests that were served: how fast a function fails says nothing about its load.
   */
  learn(sign: HealthSignal, latencyMs: number, inFlight: number, nowMs: number): void {
    if (sign === 'busy' || sign === 'failing') {
      // Requests that were in flight together and lost count as one loss.
      if (nowMs - latencyMs > this.#lostMs) this.#lose(nowMs);
    } else if (sign === 'served') {
      if (this.#toSkip > 0) {
        this.#toSkip -= 1;
        return;
      }
      const log = Math.log(Math.max(latencyMs, shortestMs));
      this.#samples += 1;
      this.#sum += log;
      this.#sumOfSquares += log * log;
      if (inFlight > this.#peak) this.#peak = inFlight;
      if (this.#samples >= this.#windowSize()) this.#evaluateWindow();
    }
  }

  #windowSize(): number {
    const fewest = this.#isDoubling ? fewestWhileDoubling : fewestSamples;
    return Math.min(mostSamples, Math.max(fewest, samplesPerLimit * this.current));
  }

  #lose(nowMs: number): void {
    const limit = this.#interrupted ?? this.#limit;
    this.#lostMs = nowMs;
    this.#interrupted = undefined;
    this.#hadLoss = true;
    this.#isDoubling = false;
    this.#begin(limit * afterLoss);
  }

  /** The window is full: its latency decides the limit of the next one. */
  #evaluateWindow(): void {
    const mean = this.#sum / this.#samples;
    const spread = Math.max(0, this.#sumOfSquares / this.#samples - mean * mean);
    const window = { mean, variance: Math.max(leastVariance, spread / this.#samples) };
    const base = this.#learnBase(window);
    const excess = mean - base.mean;
    this.#windows += 1;
    if (this.#interrupted !== undefined) {
      const limit = this.#interrupted;
      this.#interrupted = undefined;
      this.#begin(limit);
    } else if (excess - errorOf(window, base) > shrinkAbove) {
      this.#isDoubling = false;
      this.#begin(this.#limit * Math.max(smallestShrink, shrinkTarget / Math.exp(excess)));
    } else if (this.#windows > windowsBetweenTrials) {
      this.#hadLoss = false;
      this.#interrupted = this.#limit;
      this.#begin(this.#limit / 2);
    } else {
      const mayGrow = excess <= growUpTo;
      if (!mayGrow) this.#isDoubling = false;
      const isUsed = this.#peak >= this.current;
      this.#begin(this.#limit + (mayGrow && isUsed ? this.#growth() : 0));
    }
  }

  /** Updates the base from a window without a queue, or from one that is faster than the base, and returns it. */
  #learnBase(window: Estimate): Estimate {
    const base = this.#base;
    if (base === undefined) return (this.#base = window);
    const isLowest = this.current === this.#bounds.min;
    const hasNoQueue = isLowest || this.#interrupted !== undefined || this.#peak * 2 <= this.current;
    if (hasNoQueue) this.#windows = 0;
    const change = window.mean - base.mean;
    if (Math.abs(change) <= errorOf(window, base))
      return hasNoQueue ? (this.#base = merge(base, window)) : base;
    if (!hasNoQueue && change > 0) return base;
    if (isLowest && change > shrinkAbove) this.#isDoubling = true;
    // It is faster than the base, but may still have a queue: the next window is a trial.
    if (!hasNoQueue) this.#windows = windowsBetweenTrials;
    return (this.#base = window);
  }

  #growth(): number {
    if (this.#isDoubling) return this.#limit;
    return this.#hadLoss ? 1 : Math.max(1, Math.sqrt(this.#limit));
  }

  /** Begins a new window under `limit`. */
  #begin(limit: number): void {
    const { min, max } = this.#bounds;
    const before = this.current;
    this.#limit = Math.min(max, Math.max(min, limit));
    if (this.current !== before) this.#toSkip = before;
    this.#samples = 0;
    this.#sum = 0;
    this.#sumOfSquares = 0;
    this.#peak = 0;
  }
}

/** The difference between the two that chance explains. */
function errorOf(one: Estimate, other: Estimate): number {
  return standardErrors * Math.sqrt(one.variance + other.variance);
}

/** Combines two estimates of the same value, weighted by their certainty. */
function merge(one: Estimate, other: Estimate): Estimate {
  const sum = one.variance + other.variance;
  return {
    mean: (one.mean * other.variance + other.mean * one.variance) / sum,
    variance: Math.max(leastVariance, (one.variance * other.variance) / sum),
  };
}
