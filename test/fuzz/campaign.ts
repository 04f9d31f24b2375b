// Feeds inputs to one target, and looks which of them reach code that none has reached before: those are kept, and mutated on.
import { Session } from 'node:inspector';
import { setImmediate as turn } from 'node:timers/promises';
import { createRandom } from '../fixtures/seeded-random.ts';
import { mutate } from './mutate.ts';
import type { Target } from './target.ts';

export interface CampaignOptions {
  readonly seed: number;
  /** Both where it ends. */
  readonly inputs: number;
  readonly seconds: number;
  /** By the coverage of the product's sources, as V8 counts it. Costs half of the speed. */
  readonly isGuided: boolean;
  /** Before each input. */
  readonly onInput: (input: Buffer) => void;
}

export interface CampaignResult {
  readonly inputs: number;
  /** Of one input, in ms. */
  readonly worstMs: number;
  readonly worst: Buffer;
  /** Of the heap, as far as it was looked at. */
  readonly peakMb: number;
  /** Blocks of the sources that were reached, as V8 counts them; 0 where nobody looked. */
  readonly blocks: number;
  /** Beyond the seeds, what reached something new. */
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
    // Most targets answer at once: nothing is waited for that need not be.
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
  /** Whether something was reached since the last look that never was before. */
  peek(): boolean;
  /** The same, and it counts as reached from now on. */
  take(): boolean;
  /** Returns how much counts as reached. */
  stop(): number;
}

const ours = /\/(?:gateway|scaler)\/[^?]+\.ts$/;

function startCoverage(): Coverage {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const reached = new Set<string>();
  /** What has been reached since it was asked last. */
  const look = (): string[] => {
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
    peek: () => look().length > 0,
    take: () => {
      const places = look();
      for (const place of places) reached.add(place);
      return places.length > 0;
    },
    stop: () => {
      session.disconnect();
      return reached.size;
    },
  };
}
