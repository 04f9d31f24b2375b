// `millrace cleanup`: what the chart runs before it is uninstalled.
import { readKubernetesConfig } from '../../controller/config.ts';
import { runCleanup } from '../../controller/run-cleanup.ts';
import type { CommandIo } from '../command-io.ts';

/** Prints what it removes. Exits with 1 where KEDA did not remove its finalizer from a ScaledObject in time. */
export async function runCleanupCommand({ env, stdout, signal }: CommandIo): Promise<number> {
  const print = (line: string): void => void stdout.write(`${line}\n`);
  return (await runCleanup(readKubernetesConfig(env), { print, signal })) ? 0 : 1;
}
