// `millrace demo`: a real Kafka, gateway, scaler, the functions of functions-examples, and a week of earthquakes that wakes
// them in bursts. At the end it tells what became of every record.
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import type { CommandIo } from '../command-io.ts';
import { accountLines, faultsOf } from './account.ts';
import { readEarthquakes, weekOf } from './earthquakes.ts';
import { hasPython } from './python.ts';
import { DemoSession } from './session.ts';

export interface DemoOptions {
  /** Ends by itself when the week is over and all functions sleep; else the week begins again. */
  readonly once: boolean;
  /** The account as JSON, as the last line of standard output; all else goes to standard error. */
  readonly json: boolean;
  /** Replays only so many earthquakes. */
  readonly limit?: number;
}

/** Needs python3. */
const pythonFunction = 'quake-map';

/** 0 where all records are accounted for, or where the user ended a demo that has no end of its own. */
export async function runDemoCommand(options: DemoOptions, io: CommandIo): Promise<number> {
  const { signal, env } = io;
  const stream = options.json ? io.stderr : io.stdout;
  const earthquakes = (await readEarthquakes()).slice(0, options.limit);
  const without = (await hasPython()) ? [] : [pythonFunction];
  const session = new DemoSession({ folder: examplesFolder(), without, stream, env, signal });
  for (const name of without)
    session.say(`python3 is not found here: ${name}, which is written in Python, stays out`);

  let account;
  try {
    await session.start();
    for (let week = 1; week === 1 || !options.once; week += 1)
      await session.replay(weekOf(earthquakes, week));
    account = session.account();
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await session.stop();
  }

  account ??= session.account();
  if (account === undefined) return options.once ? 130 : 0;
  const faults = signal.aborted ? [] : faultsOf(account);
  for (const line of [...accountLines(account), '', ...verdict(faults, signal)]) stream.write(`${line}\n`);
  if (options.json) io.stdout.write(`${JSON.stringify(account)}\n`);
  if (signal.aborted) return options.once ? 130 : 0;
  return faults.length === 0 ? 0 : 1;
}

function verdict(faults: readonly string[], { aborted }: AbortSignal): string[] {
  if (aborted) return ['Interrupted: what was not settled by then is missing from the account.'];
  if (faults.length > 0) return faults.map((fault) => `The account does not add up: ${fault}.`);
  return ['Every record is accounted for, none arrived twice, and nothing runs any more.'];
}

/** At the root of this package, whether the sources run or what was built of them. */
function examplesFolder(): string {
  const manifest = findPackageJSON('..', import.meta.url);
  return join(dirname(manifest ?? ''), 'functions-examples');
}
