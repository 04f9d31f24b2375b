// Feeds inputs to one target. Inputs that reach code that no input reached before are kept and mutated further.
import { Session } from 'node:inspector';
import { setImmediate as turn } from 'node:timers/promises';
import { createRandom } from '../fixtures/seeded-random.ts';
import { mutate } from './mutate.ts';
import type { Target } from './target.ts';

export interface CampaignOptions {
  readonly seed: number;
  /** The campaign ends at whichever limit it reaches first: this, or `seconds`. */
  readonly inputs: number;
  readonly seconds: number;
  /** Whether the coverage of the product's sources, as V8 counts it, guides the mutations. Halves the speed. */
  readonly isGuided: boolean;
  /** Called before each input. */
  readonly onInput: (input: Buffer) => void;
}

export interface CampaignResult {
  readonly inputs: number;
  /** The longest time that one input took, in ms. */
  readonly worstMs: number;
  readonly worst: Buffer;
  /** The highest sample of the heap. */
  readonly peakMb: number;
  /** Blocks of the sources that were reached, as V8 counts them. 0 without guidance. */
  readonly blocks: number;
  /** Inputs, besides the seeds, that reached new code. */
  readonly found: readonly Buffer[];
}

const batchSize = 64;

/** Rejects with what the target throws. */
export async function runCampaign(target: Target, options: CampaignOptions): Promise<CampaignResult> {
  const { seed, inputs, seconds, isGuided, onInput } = options;
  const random = createRandom(seed);
  const known = [...target.seeds];
  const found: Buffer[] = [];
  const coverage = isGuided ? startCoverage() : undefined;
  const endMs = performance.now() + seconds * 1_000;
  let [count, worstMs, peakMb] = [0, 0, 0];
  let worst = Buffer.alloc(0) as Buffer;

  const attempt = async (input: Buffer): Promise<void> => {
    onInput(input);
    const startMs = performance.now();
    // Most targets are synchronous. Awaiting only promises keeps those fast.
    const pending = target.attempt(input);
    if (pending !== undefined) await pending;
    const tookMs = performance.now() - startMs;
    count += 1;
    if (tookMs > worstMs) [worstMs, worst] = [tookMs, input];
  };

  for (const input of target.seeds) await attempt(input);
  coverage?.take();
  while (count < inputs && performance.now() < endMs) {
    const batch = Array.from({ length: batchSize }, () => mutate(random, known));
    for (const input of batch) await attempt(input);
    await turn();
    peakMb = Math.max(peakMb, process.memoryUsage().heapUsed / 2 ** 20);
    if (coverage?.peek() !== true) continue;
    for (const input of batch) {
      await attempt(input);
      if (coverage.take()) found.push(input);
    }
    known.push(...found.slice(known.length - target.seeds.length));
  }
  const blocks = coverage?.stop() ?? 0;
  return { inputs: count, worstMs, worst, peakMb, blocks, found };
}

interface Coverage {
  /** Whether new code was reached since the last `take`. */
  peek(): boolean;
  /** The same, and marks the code as reached. */
  take(): boolean;
  /** Stops, and returns how many blocks are marked as reached. */
  stop(): number;
}

const ours = /\/(?:core|gateway|scaler|controller)\/[^?]+\.ts$/;

function startCoverage(): Coverage {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const reached = new Set<string>();
  /** The code that is newly reached. */
  const newlyReached = (): string[] => {
    const places: string[] = [];
    session.post('Profiler.takePreciseCoverage', (error, coverage) => {
      if (error !== null) throw error;
      for (const { url, functions } of coverage.result.filter(({ url }) => ours.test(url))) {
        for (const { ranges } of functions)
          for (const { startOffset, endOffset, count } of ranges)
            if (count > 0) places.push(`${url}:${startOffset}:${endOffset}`);
      }
    });
    return places.filter((place) => !reached.has(place));
  };
  return {
    peek: () => newlyReached().length > 0,
    take: () => {
      const places = newlyReached();
      for (const place of places) reached.add(place);
      return places.length > 0;
    },
    stop: () => {
      session.disconnect();
      return reached.size;
    },
  };
}
