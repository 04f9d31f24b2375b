// The gateway's composition root: settings → wired parts → running → drained.
import type { LookupAddress } from 'node:dns';
import { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import { createLog, logEvents } from './admin/log-events.ts';
import { createMetrics } from './admin/gateway-metrics.ts';
import { startAdminServer } from './admin/admin-server.ts';
import type { GatewayConfig, KubernetesConfig } from './config.ts';
import type { Recognizer } from '../core/contract/callers.ts';
import { formatProblem } from '../core/contract/problem.ts';
import { describeError } from '../core/contract/errors.ts';
import type { Problem } from '../core/contract/problem.ts';
import { hostOf } from '../core/network/tenant-address.ts';
import type { EndpointSource } from '../core/contract/endpoint-source.ts';
import type { GatewayEvents } from '../core/contract/gateway-events.ts';
import type { TriggerSource } from '../core/contract/trigger-source.ts';
import type { SecretReader } from '../core/contract/secret-reader.ts';
import type { Subscription } from '../core/contract/subscription.ts';
import { readTriggerResource } from '../core/resources/trigger-resource.ts';
import { createActivationCall, type ActivationCallOptions } from './control/activation-call.ts';
import { createFileSecrets } from '../core/resources/manifests/file-secrets.ts';
import { createFileTriggers } from '../core/resources/manifests/manifest-files.ts';
import { createKubernetesEndpoints } from '../core/kubernetes/informers/function-endpoints.ts';
import { createKubernetesTriggers } from '../core/kubernetes/informers/trigger-informer.ts';
import { createSharedLoad } from './control/shared-load.ts';
import { createStaticEndpoints } from './control/static-endpoints.ts';
import { createFunctionCredentials } from '../core/credentials/function-credentials.ts';
import { createCachedFile } from '../core/credentials/cached-file.ts';
import { logAccess } from '../core/access/audit-log.ts';
import { openAccessControl } from '../core/access/access-control.ts';
import { checkExpression } from '../core/expressions/compile-expression.ts';
import { createClusters } from '../core/kafka/connection/clusters.ts';
import { openOwnConnection } from '../core/kafka/connection/own-connection.ts';
import type { ClientLog, ConnectionSettings } from '../core/kafka/connection/kafka-client.ts';
import { createConnectGuard, type ConnectGuard } from '../core/network/connect-guard.ts';
import type { TriggerSnapshot } from './pipeline/trigger-snapshot.ts';
import { Supervisor } from './pipeline/supervisor.ts';

export interface GatewayDependencies {
  /** Default: Kubernetes, or the manifests at `triggersPath`. */
  readonly triggers?: TriggerSource | undefined;
  /** Default: Kubernetes, or functions named by URI only. */
  readonly endpoints?: EndpointSource | undefined;
  /** Default: Kubernetes, or the manifests at `triggersPath`. */
  readonly secrets?: SecretReader | undefined;
  readonly log?: Logger | undefined;
  /** All addresses of a name that a tenant has written. Default: the system's lookup. */
  readonly resolve?: ((name: string) => Promise<readonly LookupAddress[]>) | undefined;
  /** Ends a start that waits for the API server: `startGateway` then rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface Gateway {
  /** Such as `http://127.0.0.1:9464`. */
  readonly adminUrl: string;
  readonly events: EventEmitter<GatewayEvents>;
  snapshot(): readonly TriggerSnapshot[];
  /** Finishes what is in flight within the drain limit, commits and leaves. */
  stop(): Promise<void>;
}

/**
 * Starts a gateway. Rejects with MILLRACE_MANIFEST_INVALID or MILLRACE_CONFIG_INVALID where there is no use in trying again;
 * Kafka need not be there yet.
 */
export async function startGateway(
  config: GatewayConfig,
  dependencies: GatewayDependencies = {},
): Promise<Gateway> {
  const log = dependencies.log ?? createLog(config.logLevel);
  const events = new EventEmitter<GatewayEvents>();
  logEvents(events, log);
  const own = await openOwnConnection({
    brokers: config.kafkaBrokers,
    configPath: config.kafkaConfigPath,
    clientId: 'millrace-gateway',
    log: clientLog(log),
  });
  const control = await openControl(config, dependencies, log);
  const dataPlane = createDataPlane(config, { own, control, events, log });
  const { supervisor } = dataPlane;
  let isServing = false;
  const access = await openAccessControl(config.access, control.tokenReviews);
  const server = await startAdminServer({
    ...access,
    ...logAccess(log),
    host: config.adminHost,
    port: config.adminPort,
    tls: config.adminTls,
    metrics: createMetrics(events, () => supervisor.snapshot()),
    triggers: () => supervisor.snapshot(),
    isServing: () => isServing,
    skip: (key, request) => supervisor.skip(key, request),
    blocked: (key, limit) => supervisor.blocked(key, limit),
  });
  let unwatch: () => void;
  try {
    unwatch = await control.triggers.watch((wanted) => void supervisor.want(wanted));
  } catch (error) {
    await server.close();
    await access.close();
    await dataPlane.close();
    await control.close();
    throw error;
  }
  isServing = true;
  return {
    adminUrl: server.url,
    events,
    snapshot: () => supervisor.snapshot(),
    stop: async () => {
      isServing = false;
      unwatch();
      await dataPlane.close();
      await server.close();
      await access.close();
      await control.close();
    },
  };
}

/** Where triggers and endpoints come from. */
interface Control {
  readonly triggers: TriggerSource;
  readonly endpoints: EndpointSource;
  readonly secrets: SecretReader;
  /** Absent: URIs lead anywhere. */
  readonly uriGuard?: ConnectGuard | undefined;
  /** Absent: no API server is asked who calls. */
  readonly tokenReviews?: Recognizer | undefined;
  /** Of what else tenants name. Absent: it leads anywhere. */
  readonly guard?: ConnectGuard | undefined;
  close(): Promise<void>;
}

async function openControl(
  config: GatewayConfig,
  dependencies: GatewayDependencies,
  log: Logger,
): Promise<Control> {
  if (config.kubernetes !== undefined) return openKubernetes(config.kubernetes, dependencies, log);
  const { triggers, endpoints, secrets } = dependencies;
  return {
    triggers:
      triggers ??
      createFileTriggers({
        path: config.triggersPath ?? '',
        checkExpression,
        onProblems: logProblems(log),
      }),
    endpoints: endpoints ?? createStaticEndpoints(warnUnknown(log)),
    secrets: secrets ?? createFileSecrets(config.triggersPath ?? ''),
    close: async () => undefined,
  };
}

async function openKubernetes(
  { kubeconfig, namespaces, sharing, functionUris, tenantAddresses, apiServerHost }: KubernetesConfig,
  { signal, resolve }: GatewayDependencies,
  log: Logger,
): Promise<Control> {
  // The client library takes a second to load, and 80 MB: only for who needs it.
  const { openConnection } = await import('../core/kubernetes/api-connection.ts');
  const { createKubernetesClient } = await import('../core/kubernetes/api-client.ts');
  const { createKubernetesSecrets } = await import('../core/kubernetes/kubernetes-secrets.ts');
  const { createTokenReviews } = await import('../core/access/token-reviews.ts');
  const { withResolvedClusters } = await import('../core/kubernetes/informers/resolved-clusters.ts');
  const connection = await openConnection({ kubeconfig });
  const apiServerHosts = [hostOf(connection.url), ...(apiServerHost === undefined ? [] : [apiServerHost])];
  const guard = createConnectGuard({ resolve, apiServerHosts });
  const resources = createKubernetesClient({
    connection,
    onTrouble: (error) =>
      log.warn(
        { code: error.code, reason: describeError(error), remedy: error.remedy },
        'no news from Kubernetes',
      ),
    onRecovery: (what) => log.info({ watched: what }, 'news from Kubernetes again'),
  });
  const endpoints = createKubernetesEndpoints({ resources, namespaces });
  const secrets = createKubernetesSecrets(connection);
  const all = createKubernetesTriggers({
    resources: withResolvedClusters({ client: resources, secrets }),
    namespaces,
    read: (trigger, clusters) => readTriggerResource(trigger, { checkExpression, clusters, functionUris }),
    signal,
    onWrong: (trigger, problem, runs) =>
      log.error(
        { trigger, problem },
        runs ? 'wrong edit of a trigger, which stays as it was' : 'wrong trigger',
      ),
  });
  return {
    triggers:
      sharing === undefined ? all : createSharedLoad({ ...sharing, triggers: all, resources, signal }),
    endpoints,
    secrets,
    uriGuard: functionUris === 'guarded' ? guard : undefined,
    guard: tenantAddresses === 'guarded' ? guard : undefined,
    tokenReviews: createTokenReviews({ connection, ownNamespace: connection.namespace ?? 'default' }),
    close: async () => {
      endpoints.close();
      await connection.close();
    },
  };
}

interface DataPlaneParts {
  readonly own: ConnectionSettings;
  readonly control: Control;
  readonly events: EventEmitter<GatewayEvents>;
  readonly log: Logger;
}

/** All that carries records, and how to end it in order. */
function createDataPlane(
  config: GatewayConfig,
  { own, control: { endpoints, secrets, uriGuard, guard }, events, log }: DataPlaneParts,
): { supervisor: Supervisor; close: () => Promise<void> } {
  const clusters = createClusters({ own, secrets, log: clientLog(log), guard });
  const activation = createActivationCall({
    urls: config.scalerUrls,
    ...scalerAccess(config),
    onError: (error, url) => log.debug({ url, reason: error.message }, 'scaler not told'),
  });
  const supervisor = new Supervisor({
    createSource: clusters.createSource,
    endpoints,
    sinkOf: clusters.sinkOf,
    activation,
    uriGuard,
    openAccess: createFunctionCredentials({ secrets, log: clientLog(log), guard }),
    events,
    drainLimitMs: config.drainLimitMs,
    perTrigger: { records: config.maxRecordsPerTrigger, bytes: config.maxBytesPerTrigger },
    inAll: { records: config.maxRecords, bytes: config.maxBytes },
  });
  return {
    supervisor,
    close: async () => {
      await supervisor.stop();
      await activation.close();
      await clusters.close();
      await own.security?.close();
    },
  };
}

/** How scalers are trusted, and what they are shown. */
function scalerAccess({
  scalerCaPath,
  scalerTokenPath,
  access: { token },
}: GatewayConfig): Pick<ActivationCallOptions, 'ca' | 'token'> {
  const given = token === undefined ? undefined : () => Promise.resolve(token);
  return {
    ca: scalerCaPath === undefined ? undefined : createCachedFile(scalerCaPath),
    token: scalerTokenPath === undefined ? given : createCachedFile(scalerTokenPath),
  };
}

function clientLog(log: Logger): ClientLog {
  return (level, message, fields) => log[level](fields, message);
}

function warnUnknown(log: Logger): (subscription: Subscription) => void {
  return ({ key }) => {
    const remedy = 'name it by function.uri, or run it with `millrace dev`';
    log.warn(
      { trigger: key },
      `the function is named by ref or service, which this gateway cannot look up: ${remedy}`,
    );
  };
}

function logProblems(log: Logger): (problems: readonly Problem[]) => void {
  return (problems) => {
    for (const problem of problems) log.error({ problem: formatProblem(problem) }, 'manifest not applied');
  };
}
