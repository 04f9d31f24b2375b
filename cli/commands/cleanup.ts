// `millrace cleanup`: what the chart runs before it is uninstalled.
import { MillraceError } from '../../core/contract/errors.ts';
import { createKubernetesClient } from '../../core/kubernetes/api-client.ts';
import { openConnection } from '../../core/kubernetes/api-connection.ts';
import { cleanUp } from '../../controller/cleanup.ts';
import { parseKubernetesConfig } from '../../controller/controller-settings.ts';
import type { CommandIo } from '../command-io.ts';

/** Prints what it removes. Exits with 1 where KEDA did not let go of something in time. */
export async function runCleanupCommand({ env, stdout, signal }: CommandIo): Promise<number> {
  const mistakes: string[] = [];
  const config = parseKubernetesConfig(env, mistakes);
  if (mistakes.length > 0) throw new MillraceError('MILLRACE_CONFIG_INVALID', mistakes.join('; '));
  const connection = await openConnection({ kubeconfig: env.KUBECONFIG });
  try {
    const client = createKubernetesClient({ connection });
    const print = (line: string): void => void stdout.write(`${line}\n`);
    return (await cleanUp({ client, config, print, signal })) ? 0 : 1;
  } finally {
    await connection.close();
  }
}
