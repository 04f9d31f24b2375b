// `millrace cleanup`, wired: a connection to the cluster of the settings, and the cleanup over it.
import { cleanUp, type CleanupOptions } from './cleanup.ts';
import type { KubernetesConfig } from './config.ts';

/** Returns whether everything is gone. The client library takes a second to load, so it is loaded here. */
export async function runCleanup(
  config: KubernetesConfig,
  options: Pick<CleanupOptions, 'print' | 'signal'>,
): Promise<boolean> {
  const { openConnection } = await import('../core/kubernetes/api-connection.ts');
  const { createKubernetesClient } = await import('../core/kubernetes/api-client.ts');
  const connection = await openConnection(config);
  try {
    return await cleanUp({ ...options, config, client: createKubernetesClient({ connection }) });
  } finally {
    await connection.close();
  }
}
