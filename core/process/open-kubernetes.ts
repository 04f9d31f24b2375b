// What gateway and scaler have of a Kubernetes cluster: one connection, and all that works over it.
import type { LookupAddress } from 'node:dns';
import type { Logger } from 'pino';
import { createTokenReviews } from '../access/token-reviews.ts';
import type { Recognizer } from '../contract/callers.ts';
import type { EndpointSource } from '../contract/endpoint-source.ts';
import { errorFields } from '../contract/errors.ts';
import type { KubernetesClient } from '../contract/kubernetes-client.ts';
import type { SecretReader } from '../contract/secret-reader.ts';
import type { TriggerSource } from '../contract/trigger-source.ts';
import { checkExpression } from '../expressions/compile-expression.ts';
import { createKubernetesClient } from '../kubernetes/api-client.ts';
import { openConnection, type ConnectionSettings } from '../kubernetes/api-connection.ts';
import { createKubernetesEndpoints } from '../kubernetes/informers/function-endpoints.ts';
import { withResolvedClusters } from '../kubernetes/informers/resolved-clusters.ts';
import {
  createKubernetesTriggers,
  type OnWrongTrigger,
} from '../kubernetes/informers/kubernetes-triggers.ts';
import { shareWatches } from '../kubernetes/informers/shared-watches.ts';
import { createTriggerInformer, type TriggerInformer } from '../kubernetes/informers/trigger-informer.ts';
import { createKubernetesSecrets } from '../kubernetes/kubernetes-secrets.ts';
import { createConnectGuard, type ConnectGuard } from '../network/connect-guard.ts';
import { hostOf } from '../network/tenant-address.ts';
import type { SharedKubernetesConfig } from './shared-settings.ts';

export interface OpenKubernetesOptions {
  readonly log: Logger;
  readonly onWrongTrigger: OnWrongTrigger;
  /** Returns all addresses of a name that a tenant has written. Default: the system's lookup. */
  readonly resolve?: ((name: string) => Promise<readonly LookupAddress[]>) | undefined;
  /** Called for each request to the API server. Must not throw. */
  readonly onRequest?: ConnectionSettings['onRequest'];
  /** Ends a start that waits for the API server. */
  readonly signal?: AbortSignal | undefined;
}

export interface OpenedKubernetes {
  /** Its watches are shared by all who watch the same. */
  readonly client: KubernetesClient;
  readonly triggers: TriggerSource;
  /** What `triggers` is made from. */
  readonly informer: TriggerInformer;
  readonly endpoints: EndpointSource;
  readonly secrets: SecretReader;
  /** Authenticates callers by their tokens of Kubernetes. */
  readonly tokenReviews: Recognizer;
  /** Restricts where a `function.uri` may lead; undefined: anywhere. */
  readonly uriGuard: ConnectGuard | undefined;
  /** Restricts where the brokers and token endpoints that tenants name may lead; undefined: anywhere. */
  readonly guard: ConnectGuard | undefined;
  /** Closes the connection. Whatever uses it must have stopped. */
  close(): Promise<void>;
}

/** Rejects with MILLRACE_CONFIG_INVALID where nothing says which API server. It need not answer yet. */
export async function openKubernetes(
  config: SharedKubernetesConfig,
  { log, onWrongTrigger, onRequest, resolve, signal }: OpenKubernetesOptions,
): Promise<OpenedKubernetes> {
  const { namespaces, functionUris, tenantAddresses, apiServerHost, podNamespace } = config;
  const connection = await openConnection({ ...config, onRequest });
  const unshared = createKubernetesClient({
    connection,
    onTrouble: (error) =>
      log.warn(errorFields(error), 'a watch of Kubernetes resources failed, trying again'),
    onRecovery: (what) => log.info({ watched: what }, 'the watch of Kubernetes resources works again'),
  });
  const client = { ...unshared, ...shareWatches(unshared) };
  const secrets = createKubernetesSecrets(connection);
  const apiServerHosts = [hostOf(connection.url), ...(apiServerHost === undefined ? [] : [apiServerHost])];
  const guard = createConnectGuard({ resolve, apiServerHosts });
  const endpoints = createKubernetesEndpoints({
    resources: client,
    namespaces,
    whyRefused: tenantAddresses === 'guarded' ? guard.whyRefused : undefined,
    onRefused: (trigger, { address, why }) =>
      log.warn(
        { trigger, address, code: 'MILLRACE_ADDRESS_REFUSED' },
        `an endpoint of the function gets no requests: its address is ${why}`,
      ),
  });
  const informer = createTriggerInformer({
    resources: withResolvedClusters({ client, secrets }),
    namespaces,
    checkExpression,
    functionUris,
    signal,
  });
  return {
    client,
    informer,
    triggers: createKubernetesTriggers(informer, onWrongTrigger),
    endpoints,
    secrets,
    tokenReviews: createTokenReviews({
      connection,
      ownNamespace: podNamespace ?? connection.namespace ?? 'default',
    }),
    uriGuard: functionUris === 'guarded' ? guard : undefined,
    guard: tenantAddresses === 'guarded' ? guard : undefined,
    close: async () => {
      informer.stop();
      endpoints.close();
      await connection.close();
    },
  };
}
