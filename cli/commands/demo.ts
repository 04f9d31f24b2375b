// `millrace demo`: gateway, scaler, the functions of functions-examples, and a week of earthquakes that wakes them in bursts; here, with a
// Kafka of its own, or in a cluster. At the end it tells what became of every record.
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { MillraceError } from '../../core/contract/errors.ts';
import type { CommandIo } from '../command-io.ts';
import { readEarthquakes } from '../demo/earthquakes.ts';
import { hasPython } from '../demo/find-python.ts';
import { runDemo } from '../demo/run-demo.ts';
import { DemoSession } from '../demo/demo-session.ts';

export interface DemoOptions {
  /** Ends by itself when the week is over and all functions sleep; else the week begins again. */
  readonly once: boolean;
  /** The account as JSON, as the last line of standard output; all else goes to standard error. */
  readonly json: boolean;
  /** Replays only so many earthquakes. */
  readonly limit?: number;
  /** The kubeconfig of a cluster to run in, instead of this machine. */
  readonly kubernetes?: string;
  /** The one that is made in the cluster. */
  readonly namespace?: string;
  /** Leaves what was made in the cluster. */
  readonly keep: boolean;
}

/** Needs python3. */
const pythonFunction = 'quake-map';

/** 0 where all records are accounted for, or where the user ended a demo that has no end of its own. */
export async function runDemoCommand(options: DemoOptions, io: CommandIo): Promise<number> {
  const { kubernetes: kubeconfig, namespace = 'millrace-demo', keep, once, json } = options;
  if (kubeconfig === undefined && (keep || options.namespace !== undefined))
    throw new MillraceError('MILLRACE_CONFIG_INVALID', '--namespace and --keep are for --kubernetes');
  const { signal, env } = io;
  const stream = json ? io.stderr : io.stdout;
  const earthquakes = (await readEarthquakes()).slice(0, options.limit);
  const folder = examplesFolder();
  if (kubeconfig !== undefined) {
    const { withClusterSession } = await import('../demo/cluster/open-session.ts');
    const settings = { kubeconfig, namespace, keep, folder, earthquakes, stream, signal };
    return withClusterSession(settings, (session) => runDemo(session, { once, json, earthquakes }, io));
  }
  const without = (await hasPython()) ? [] : [pythonFunction];
  const session = new DemoSession({ folder, without, stream, env, signal });
  for (const name of without)
    session.say(`python3 is not found here: ${name}, which is written in Python, stays out`);
  return runDemo(session, { once, json, earthquakes }, io);
}

/** At the root of this package, whether the sources run or what was built of them. */
function examplesFolder(): string {
  const manifest = findPackageJSON('..', import.meta.url);
  return join(dirname(manifest ?? ''), 'functions-examples');
}
