// `millrace cleanup`, wired: a connection to the cluster of the settings, and the cleanup over it.
import { openConnection } from '../core/kubernetes/api-connection.ts';
import { createKubernetesClient } from '../core/kubernetes/api-client.ts';
import { cleanUp, type CleanupOptions } from './cleanup.ts';
import type { KubernetesConfig } from './config.ts';

/** Returns whether everything is gone. */
export async function runCleanup(
  config: KubernetesConfig,
  options: Pick<CleanupOptions, 'print' | 'signal'>,
): Promise<boolean> {
  const connection = await openConnection(config);
  try {
    return await cleanUp({ ...options, config, client: createKubernetesClient({ connection }) });
  } finally {
    await connection.close();
  }
}
