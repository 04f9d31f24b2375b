// The steps of a demo, wherever it runs: start, replay week after week, stop everything, print the summary.
import type { CommandIo } from '../command-io.ts';
import { weekOf, type Earthquake } from './earthquakes.ts';

/** What is printed at the end. */
export interface DemoResult {
  /** For `--json`. */
  readonly summary: object;
  /** The summary for people to read. */
  readonly lines: readonly string[];
  /** What does not add up; empty if everything does. */
  readonly discrepancies: readonly string[];
}

export interface DemoRun {
  /** Resolves when everything is ready for the first earthquake. Rejects when the signal aborts. */
  start(): Promise<void>;
  /** Resolves when all records are settled and all functions sleep, or when progress has stalled. Rejects when the signal aborts. */
  replay(earthquakes: readonly Earthquake[], week: number): Promise<void>;
  /** The result so far; undefined if nothing was started. */
  result(): DemoResult | undefined;
  /** Ends everything, at any point of the run. Returns what could not be removed. */
  stop(): Promise<string[]>;
}

export interface RunOptions {
  readonly once: boolean;
  readonly json: boolean;
  readonly earthquakes: readonly Earthquake[];
}

/**
 * Resolves with the exit code: 0 if all records are accounted for and everything is removed, or if the user ended a demo
 * without `--once`, which does not end by itself.
 */
export async function runDemo(
  run: DemoRun,
  { once, json, earthquakes }: RunOptions,
  { signal, stdout, stderr }: CommandIo,
): Promise<number> {
  const stream = json ? stderr : stdout;
  let result;
  let left;
  try {
    await run.start();
    for (let week = 1; week === 1 || !once; week += 1) await run.replay(weekOf(earthquakes, week), week);
    result = run.result();
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    left = await run.stop();
    for (const what of left) stream.write(`Not removed: ${what}\n`);
  }

  result ??= run.result();
  const interrupted = once ? 130 : 0;
  const discrepancies = signal.aborted ? [] : (result?.discrepancies ?? []);
  for (const line of [...(result?.lines ?? []), '', ...verdict(discrepancies, signal)])
    if (result !== undefined) stream.write(`${line}\n`);
  if (json && result !== undefined) stdout.write(`${JSON.stringify(result.summary)}\n`);
  if (left.length > 0) return 1;
  if (signal.aborted) return interrupted;
  return discrepancies.length === 0 ? 0 : 1;
}

function verdict(discrepancies: readonly string[], { aborted }: AbortSignal): string[] {
  if (aborted) return ['Interrupted: records that were not settled yet are missing from these counts.'];
  if (discrepancies.length > 0)
    return discrepancies.map((discrepancy) => `The counts do not add up: ${discrepancy}.`);
  return ['Every record is accounted for, none arrived twice, and nothing runs any more.'];
}
