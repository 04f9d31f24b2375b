// Opens the connection to the cluster that a kubeconfig names, for the duration of the demo.
import { describeError } from '../../../core/contract/errors.ts';
import { createKubernetesClient } from '../../../core/kubernetes/api-client.ts';
import { openConnection } from '../../../core/kubernetes/api-connection.ts';
import { createPodLogs } from '../../../core/kubernetes/pod-logs.ts';
import { ClusterSession, type ClusterSessionOptions } from './cluster-session.ts';

export interface ClusterSettings extends Omit<ClusterSessionOptions, 'client' | 'logs'> {
  /** Undefined: the service account of the pod, else `~/.kube/config`. */
  readonly kubeconfig: string | undefined;
}

export async function withClusterSession<T>(
  { kubeconfig, ...settings }: ClusterSettings,
  use: (session: ClusterSession) => Promise<T>,
): Promise<T> {
  const connection = await openConnection({ kubeconfig });
  try {
    const client = createKubernetesClient({
      connection,
      onTrouble: (error) => session.say(`a watch of the cluster has failed: ${describeError(error)}`),
      onRecovery: (what) => session.say(`the watch of ${what} works again`),
    });
    const session: ClusterSession = new ClusterSession({
      ...settings,
      client,
      logs: createPodLogs(connection),
    });
    return await use(session);
  } finally {
    await connection.close();
  }
}
