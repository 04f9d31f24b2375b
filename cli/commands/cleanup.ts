// `millrace cleanup`: what the chart runs before it is uninstalled.
import { createKubernetesClient } from '../../core/kubernetes/api-client.ts';
import { openConnection } from '../../core/kubernetes/api-connection.ts';
import { cleanUp } from '../../controller/cleanup.ts';
import { readKubernetesConfig } from '../../controller/controller-settings.ts';
import type { CommandIo } from '../command-io.ts';

/** Prints what it removes. Exits with 1 where KEDA did not let go of something in time. */
export async function runCleanupCommand({ env, stdout, signal }: CommandIo): Promise<number> {
  const config = readKubernetesConfig(env);
  const connection = await openConnection(config);
  try {
    const client = createKubernetesClient({ connection });
    const print = (line: string): void => void stdout.write(`${line}\n`);
    return (await cleanUp({ client, config, print, signal })) ? 0 : 1;
  } finally {
    await connection.close();
  }
}
