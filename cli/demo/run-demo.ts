// How a demo goes, wherever it runs: start, week after week, the account, and the end of all that was started.
import type { CommandIo } from '../command-io.ts';
import { weekOf, type Earthquake } from './earthquakes.ts';

/** What is told at the end. */
export interface DemoResult {
  /** For `--json`. */
  readonly account: object;
  /** The account for people to read. */
  readonly lines: readonly string[];
  /** What is wrong with it; empty where it adds up. */
  readonly faults: readonly string[];
}

export interface DemoRun {
  /** Resolves when everything is ready for the first earthquake. Rejects when the signal aborts. */
  start(): Promise<void>;
  /** Resolves when all is settled and all functions sleep, or when nothing moves any more. Rejects when the signal aborts. */
  replay(earthquakes: readonly Earthquake[], week: number): Promise<void>;
  /** So far. Undefined where nothing had begun. */
  result(): DemoResult | undefined;
  /** Ends everything, at whichever point it is; tells what it had to leave behind. */
  stop(): Promise<string[]>;
}

export interface RunOptions {
  readonly once: boolean;
  readonly json: boolean;
  readonly earthquakes: readonly Earthquake[];
}

/** 0 where all records are accounted for and nothing is left, or where the user ended a demo that has no end of its own. */
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
  const faults = signal.aborted ? [] : (result?.faults ?? []);
  for (const line of [...(result?.lines ?? []), '', ...verdict(faults, signal)])
    if (result !== undefined) stream.write(`${line}\n`);
  if (json && result !== undefined) stdout.write(`${JSON.stringify(result.account)}\n`);
  if (left.length > 0) return 1;
  if (signal.aborted) return interrupted;
  return faults.length === 0 ? 0 : 1;
}

function verdict(faults: readonly string[], { aborted }: AbortSignal): string[] {
  if (aborted) return ['Interrupted: what was not settled by then is missing from the account.'];
  if (faults.length > 0) return faults.map((fault) => `The account does not add up: ${fault}.`);
  return ['Every record is accounted for, none arrived twice, and nothing runs any more.'];
}
