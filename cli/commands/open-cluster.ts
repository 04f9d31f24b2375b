// What the scaler has of a cluster: the triggers in it, and what its controller works with.
import type { Logger } from 'pino';
import type { Recognizer } from '../../core/contract/callers.ts';
import { errorFields } from '../../core/contract/errors.ts';
import type { SecretReader } from '../../core/contract/secret-reader.ts';
import { hostOf } from '../../core/network/tenant-address.ts';
import { readTriggerResource } from '../../core/resources/trigger-resource.ts';
import { createKubernetesEndpoints } from '../../core/kubernetes/informers/function-endpoints.ts';
import { createKubernetesTriggers } from '../../core/kubernetes/informers/trigger-informer.ts';
import { checkExpression } from '../../core/expressions/compile-expression.ts';
import { createKubernetesClient } from '../../core/kubernetes/api-client.ts';
import { openConnection } from '../../core/kubernetes/api-connection.ts';
import { withResolvedClusters } from '../../core/kubernetes/informers/resolved-clusters.ts';
import { createKubernetesSecrets } from '../../core/kubernetes/kubernetes-secrets.ts';
import { createTokenReviews } from '../../core/access/token-reviews.ts';
import { createConnectGuard, type ConnectGuard } from '../../core/network/connect-guard.ts';
import type { KubernetesConfig } from '../../controller/controller-settings.ts';
import type { ScalerDependencies } from '../../scaler/main.ts';
import type { CommandIo } from '../command-io.ts';
import { countReadyReplicas, type ReadyReplicas } from '../runtime/ready-replicas.ts';

export interface OpenCluster extends ReadyReplicas {
  readonly cluster: NonNullable<ScalerDependencies['cluster']>;
  readonly secrets: SecretReader;
  readonly tokenReviews: Recognizer;
  /** Of the brokers and token endpoints that tenants name; absent: they may be anywhere. */
  readonly guard?: ConnectGuard | undefined;
  /** After the scaler has stopped. */
  close(): Promise<void>;
}

type Reach = Pick<
  KubernetesConfig,
  'namespaces' | 'functionUris' | 'tenantAddresses' | 'apiServerHost' | 'podNamespace'
>;

export async function openCluster(
  { env, signal }: CommandIo,
  { namespaces, functionUris, tenantAddresses, apiServerHost, podNamespace }: Reach,
  log: Logger,
): Promise<OpenCluster> {
  const connection = await openConnection({ kubeconfig: env.KUBECONFIG });
  const client = createKubernetesClient({
    connection,
    onTrouble: (error) =>
      log.warn(errorFields(error), 'a watch of Kubernetes resources failed, trying again'),
    onRecovery: (what) => log.info({ watched: what }, 'the watch of Kubernetes resources works again'),
  });
  const secrets = createKubernetesSecrets(connection);
  const triggers = createKubernetesTriggers({
    resources: withResolvedClusters({ client, secrets }),
    namespaces,
    read: (trigger, clusters) => readTriggerResource(trigger, { checkExpression, clusters, functionUris }),
    // The controller says it on the resource.
    onWrong: (trigger, problem) => log.debug({ trigger, problem }, 'wrong trigger'),
    signal,
  });
  const apiServerHosts = [hostOf(connection.url), ...(apiServerHost === undefined ? [] : [apiServerHost])];
  const endpoints = createKubernetesEndpoints({ resources: client, namespaces });
  return {
    ...countReadyReplicas(triggers, endpoints),
    cluster: { client, checkExpression },
    secrets,
    tokenReviews: createTokenReviews({
      connection,
      ownNamespace: podNamespace ?? connection.namespace ?? 'default',
    }),
    guard: tenantAddresses === 'guarded' ? createConnectGuard({ apiServerHosts }) : undefined,
    close: () => {
      endpoints.close();
      return connection.close();
    },
  };
}
