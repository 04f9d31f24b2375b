// The gateway's composition root: it wires all parts from the settings, and starts them. What happens at SIGTERM: shutdown.ts.
import type { LookupAddress } from 'node:dns';
import type { Logger } from 'pino';
import { logEvents, logListenerFaults } from './admin/log-events.ts';
import { createLog } from '../core/process/log.ts';
import type { OpenedKubernetes } from '../core/process/open-kubernetes.ts';
import { openManifests } from '../core/process/open-manifests.ts';
import { createMetrics } from './admin/gateway-metrics.ts';
import { startAdminServer } from './admin/admin-server.ts';
import type { GatewayConfig, KubernetesConfig } from './config.ts';
import type { Recognizer } from '../core/contract/callers.ts';
import { errorFields } from '../core/contract/errors.ts';
import type { EndpointSource } from '../core/contract/endpoint-source.ts';
import { GatewayEmitter } from '../core/contract/gateway-events.ts';
import type { TriggerSource } from '../core/contract/trigger-source.ts';
import type { SecretReader } from '../core/contract/secret-reader.ts';
import type { Subscription } from '../core/contract/subscription.ts';
import { createActivationCall, type ActivationCallOptions } from './control/activation-call.ts';
import { createSharedLoad } from './control/shared-load.ts';
import { createStaticEndpoints } from './control/static-endpoints.ts';
import { createFunctionCredentials } from '../core/credentials/function-credentials.ts';
import { createCachedFile } from '../core/credentials/cached-file.ts';
import { logAccess } from '../core/access/audit-log.ts';
import { openAccessControl } from '../core/access/access-control.ts';
import { createClusters } from '../core/kafka/connection/clusters.ts';
import { openInstallationConnection } from '../core/kafka/connection/installation-connection.ts';
import type { ClientLog, ConnectionSettings } from '../core/kafka/connection/connection-settings.ts';
import type { ConnectGuard } from '../core/network/connect-guard.ts';
import type { TriggerSnapshot } from './pipeline/trigger-snapshot.ts';
import { Supervisor } from './supervision/supervisor.ts';
import { shutDownGateway, type GatewayParts } from './shutdown.ts';

export interface GatewayDependencies {
  /** Default: Kubernetes, or the manifests at `triggersPath`. */
  readonly triggers?: TriggerSource | undefined;
  /** Default: Kubernetes, or functions named by URI only. */
  readonly endpoints?: EndpointSource | undefined;
  /** Default: Kubernetes, or the manifests at `triggersPath`. */
  readonly secrets?: SecretReader | undefined;
  readonly log?: Logger | undefined;
  /** Returns all addresses of a name that a tenant has written. Default: the system's lookup. */
  readonly resolve?: ((name: string) => Promise<readonly LookupAddress[]>) | undefined;
  /** Ends a start that waits for the API server: `startGateway` then rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface Gateway {
  /** Such as `http://127.0.0.1:9464`. */
  readonly adminUrl: string;
  readonly events: GatewayEmitter;
  snapshot(): readonly TriggerSnapshot[];
  /** What SIGTERM does: drains within MILLRACE_DRAIN_LIMIT, commits, and closes everything. */
  stop(): Promise<void>;
}

/**
 * Starts a gateway. Kafka need not answer yet. Rejects with MILLRACE_MANIFEST_INVALID or MILLRACE_CONFIG_INVALID where trying again
 * would not help.
 */
export async function startGateway(
  config: GatewayConfig,
  dependencies: GatewayDependencies = {},
): Promise<Gateway> {
  const log = (dependencies.log ?? createLog(config.logLevel)).child({ component: 'gateway' });
  const events = new GatewayEmitter(logListenerFaults(log));
  logEvents(events, log);
  const own = await openInstallationConnection({
    brokers: config.kafkaBrokers,
    configPath: config.kafkaConfigPath,
    clientId: 'millrace-gateway',
    rackId: config.rackId,
    groupProtocol: config.groupProtocol,
    log: clientLog(log),
  });
  const control = await openControl(config, dependencies, { events, log });
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
  const markUnready = (): void => {
    isServing = false;
  };
  const { drainLimitMs } = config;
  const stopping = { log, drainLimitMs, markUnready };
  const parts = { ...dataPlane, ...stopping, security: own.security, server, access, control };
  let unwatch: () => void;
  try {
    unwatch = await control.triggers.watch((wanted) => void supervisor.want(wanted));
  } catch (error) {
    await shutDownGateway(parts);
    throw error;
  }
  isServing = true;
  return {
    adminUrl: server.url,
    events,
    snapshot: () => supervisor.snapshot(),
    stop: () => shutDownGateway({ ...parts, unwatch }),
  };
}

/** Where triggers, endpoints and Secrets come from. */
interface Control extends Pick<OpenedKubernetes, 'triggers' | 'endpoints' | 'secrets' | 'close'> {
  /** Absent: a `function.uri` may lead anywhere. */
  readonly uriGuard?: ConnectGuard | undefined;
  /** Absent: other addresses that tenants name may lead anywhere. */
  readonly guard?: ConnectGuard | undefined;
  /** Absent: no API server is asked who calls. */
  readonly tokenReviews?: Recognizer | undefined;
}

async function openControl(
  config: GatewayConfig,
  dependencies: GatewayDependencies,
  { events, log }: Pick<DataPlaneParts, 'events' | 'log'>,
): Promise<Control> {
  if (config.kubernetes !== undefined) return openCluster(config.kubernetes, dependencies, { events, log });
  const manifests = openManifests(config.triggersPath ?? '', log);
  const { triggers, endpoints, secrets } = dependencies;
  return {
    triggers: triggers ?? manifests.triggers,
    endpoints: endpoints ?? createStaticEndpoints(warnUnknown(log)),
    secrets: secrets ?? manifests.secrets,
    close: async () => undefined,
  };
}

async function openCluster(
  { sharing, ...config }: KubernetesConfig,
  { signal, resolve }: GatewayDependencies,
  { events, log }: Pick<DataPlaneParts, 'events' | 'log'>,
): Promise<Control> {
  // A gateway without Kubernetes does not load what only clusters need.
  const { openKubernetes } = await import('../core/process/open-kubernetes.ts');
  const opened = await openKubernetes(config, {
    log,
    resolve,
    signal,
    onRequest: (request) => void events.emit('kubernetesRequest', request),
    onWrongTrigger: (trigger, problem, runs) =>
      log.error(
        { trigger, problem },
        runs
          ? 'an edit of the trigger is wrong: the trigger stays as it was'
          : 'the trigger is wrong: it does not run',
      ),
  });
  if (sharing === undefined) return opened;
  const { triggers, client: resources } = opened;
  return { ...opened, triggers: createSharedLoad({ ...sharing, triggers, resources, signal }) };
}

interface DataPlaneParts {
  readonly own: ConnectionSettings;
  readonly control: Control;
  readonly events: GatewayEmitter;
  readonly log: Logger;
}

/** What carries records from Kafka to functions. */
function createDataPlane(
  config: GatewayConfig,
  { own, control: { endpoints, secrets, uriGuard, guard }, events, log }: DataPlaneParts,
): Pick<GatewayParts, 'activation' | 'clusters'> & { readonly supervisor: Supervisor } {
  const clusters = createClusters({ own, secrets, log: clientLog(log), guard });
  const activation = createActivationCall({
    urls: config.scalerUrls,
    ...scalerAccess(config),
    onError: (error, url) =>
      log.debug({ url, ...errorFields(error) }, 'the activation call to a scaler failed'),
  });
  const supervisor = new Supervisor({
    openCluster: clusters.open,
    endpoints,
    activation,
    uriGuard,
    endpointGuard: guard,
    openAccess: createFunctionCredentials({ secrets, log: clientLog(log), guard }),
    events,
    drainLimitMs: config.drainLimitMs,
    perTrigger: { records: config.maxRecordsPerTrigger, bytes: config.maxBytesPerTrigger },
    inAll: { records: config.maxRecords, bytes: config.maxBytes },
  });
  return { supervisor, activation, clusters };
}

/** How the gateway trusts scalers, and which token it shows to them. */
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
