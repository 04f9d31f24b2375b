// `millrace demo`: replays a week of earthquakes, in bursts that wake the functions of functions-examples, and reports at the end what became
// of every record. It runs on this machine, with gateway, scaler and a Kafka of its own, or in a cluster.
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { MillraceError } from '../../core/contract/errors.ts';
import type { CommandIo } from '../command-io.ts';
import { readEarthquakes } from '../demo/earthquakes.ts';
import { hasPython } from '../demo/find-python.ts';
import { runDemo } from '../demo/run-demo.ts';
import { DemoSession } from '../demo/demo-session.ts';

export interface DemoOptions {
  /** Ends when the week is over and all functions sleep; otherwise the week begins again. */
  readonly once: boolean;
  /** Prints the summary as JSON, as the last line of standard output. Everything else goes to standard error. */
  readonly json: boolean;
  /** Replays only the first earthquakes, this many. */
  readonly limit?: number;
  /** Runs in a cluster, instead of on this machine. A kubeconfig implies it. */
  readonly kubernetes: boolean;
  readonly kubeconfig?: string;
  /** The namespace that is created in the cluster. */
  readonly namespace?: string;
  /** Leaves everything in the cluster at the end. */
  readonly keep: boolean;
}

/** The function that needs python3. */
const pythonFunction = 'quake-map';

/** Resolves with the exit code of `runDemo`. */
export async function runDemoCommand(options: DemoOptions, io: CommandIo): Promise<number> {
  const { namespace = 'millrace-demo', keep, once, json } = options;
  const { signal, env } = io;
  const isInCluster = options.kubernetes || options.kubeconfig !== undefined;
  if (!isInCluster && (keep || options.namespace !== undefined))
    throw new MillraceError('MILLRACE_CONFIG_INVALID', '--namespace and --keep need --kubernetes');
  const stream = json ? io.stderr : io.stdout;
  const earthquakes = (await readEarthquakes()).slice(0, options.limit);
  const folder = examplesFolder();
  if (isInCluster) {
    const kubeconfig = options.kubeconfig ?? (env.KUBECONFIG || undefined);
    const { withClusterSession } = await import('../demo/cluster/open-session.ts');
    const settings = { kubeconfig, namespace, keep, folder, earthquakes, stream, signal };
    return withClusterSession(settings, (session) => runDemo(session, { once, json, earthquakes }, io));
  }
  const without = (await hasPython()) ? [] : [pythonFunction];
  const session = new DemoSession({ folder, without, stream, env, signal });
  for (const name of without)
    session.say(`python3 was not found: the demo runs without ${name}, which is written in Python`);
  return runDemo(session, { once, json, earthquakes }, io);
}

/** The folder at the root of the package, whether this runs from the sources or from dist/. */
function examplesFolder(): string {
  const manifest = findPackageJSON('..', import.meta.url);
  return join(dirname(manifest ?? ''), 'functions-examples');
}
