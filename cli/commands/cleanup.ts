// `millrace cleanup`: what the chart runs before it is uninstalled.
import { readKubernetesConfig } from '../../controller/config.ts';
import { runCleanup } from '../../controller/run-cleanup.ts';
import { printJson, type CommandIo } from '../command-io.ts';

/** Prints what it removes. Exits with 1 where KEDA did not remove its finalizer from a ScaledObject in time. */
export async function runCleanupCommand(
  { json }: { readonly json: boolean },
  io: CommandIo,
): Promise<number> {
  const { env, stdout, signal } = io;
  const print = (message: string): void => {
    if (json) printJson(io, { message });
    else stdout.write(`${message}\n`);
  };
  return (await runCleanup(readKubernetesConfig(env), { print, signal })) ? 0 : 1;
}
