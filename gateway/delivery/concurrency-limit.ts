// How many requests an endpoint may have in flight, learned from how it serves them. Pure; the caller has the clock.
//
// The source is TCP Vegas (Brakmo and Peterson, 1995) as Netflix's concurrency-limits and Envoy's adaptive concurrency filter
// apply it to requests: latency without a queue is known, latency above it is a queue, and the limit is what fills the endpoint
// without one. Losses (429, 503, time-outs) cut the limit at once, as in TCP Reno.
//
// - Requests are judged in windows, of which the first answers after a change of the limit are left out. A window's latency is the
//   mean of logarithms, known with an error, and less than the error is no rise: latency that varies with the event shrinks nothing.
// - Latency without a queue is what a window shows at the lower bound, with half of the limit unused, or in a trial: after 50
//   windows without any of these the limit is halved for one. It can go up as well as down, so a function that became slower for
//   good, or gets larger events, is learned anew. (A long-term average, as in Netflix's Gradient2, would take a backlog of hours
//   for the rule.)
// - The limit begins at the lower bound and doubles until latency rises; from then on it grows by its square root, and by one
//   after a loss. It grows only when it is used.
// - Of a batch the latency counts whole: while batches differ much in size, less is learned.
import type { ConcurrencyBounds } from '../../core/contract/subscription.ts';
import type { Sign } from './endpoint-sign.ts';

/** Latency by which a window may exceed that without a queue, as a factor: up to the first it grows, above the second it shrinks. */
const growUpTo = Math.log(1.2);
const shrinkAbove = Math.log(1.5);
/** Where shrinking aims at, and how far it goes at once. */
const aim = 1.25;
const mostShrink = 0.7;
const afterLoss = 0.8;
const windowsBetweenTrials = 50;
/** Samples of a window: so many times the limit, within these; fewer while it doubles, so that slow functions begin soon. */
const samplesPerLimit = 4;
const fewestSamples = 32;
const fewestWhileDoubling = 8;
const mostSamples = 128;
/** Below it a clock says little, in ms. */
const shortestMs = 0.01;
/** However even latencies are, a mean is not known better than to 2 %. */
const leastVariance = 0.02 ** 2;
/** What chance explains, in standard errors: one window in eighty exceeds it. */
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
  /** Answers to pass over: those to requests that went out under another limit. */
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
   * A request ended at `nowMs`, after `latencyMs`; `inFlight` were on their way when it was sent, itself included.
   * Only what was served counts with its latency: how fast a function fails says nothing.
   */
  learn(sign: Sign, latencyMs: number, inFlight: number, nowMs: number): void {
    if (sign === 'busy' || sign === 'failing') {
      // What was lost together is one loss.
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
      if (this.#samples >= this.#windowSize()) this.#judge();
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

  /** A window is full: what it showed decides the limit of the next one. */
  #judge(): void {
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
      this.#begin(this.#limit * Math.max(mostShrink, aim / Math.exp(excess)));
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

  /** The base, after what a window without a queue, or one that is faster than the base, has shown of it. */
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
    // Faster than known, but perhaps still with a queue.
    if (!hasNoQueue) this.#windows = windowsBetweenTrials;
    return (this.#base = window);
  }

  #growth(): number {
    if (this.#isDoubling) return this.#limit;
    return this.#hadLoss ? 1 : Math.max(1, Math.sqrt(this.#limit));
  }

  /** A new window, under `limit`. */
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

/** The difference of the two that chance explains. */
function errorOf(one: Estimate, other: Estimate): number {
  return standardErrors * Math.sqrt(one.variance + other.variance);
}

/** Two estimates of the same, each with the weight that its certainty gives it. */
function merge(one: Estimate, other: Estimate): Estimate {
  const sum = one.variance + other.variance;
  return {
    mean: (one.mean * other.variance + other.mean * one.variance) / sum,
    variance: Math.max(leastVariance, (one.variance * other.variance) / sum),
  };
}
