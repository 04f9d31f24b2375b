// The scaler's composition root: triggers and Kafka in, KEDA's gRPC service and the HTTP port out. What happens at SIGTERM: shutdown.ts.
import type { Server } from 'node:net';
import type { Logger } from 'pino';
import { describeError, errorFields } from '../core/contract/errors.ts';
import type { TriggerSource } from '../core/contract/trigger-source.ts';
import type { SecretReader } from '../core/contract/secret-reader.ts';
import { logAccess } from '../core/access/audit-log.ts';
import { openAccessControl } from '../core/access/access-control.ts';
import { openInstallationConnection } from '../core/kafka/connection/installation-connection.ts';
import type { ClientLog, ConnectionSettings } from '../core/kafka/connection/kafka-client.ts';
import { createClustersReader } from '../core/kafka/offsets/offsets-of-clusters.ts';
import { checkExpression } from '../core/expressions/compile-expression.ts';
import { createLog } from '../core/process/log.ts';
import { createDemand, type Demand } from './activation/demand.ts';
import { createDrainTargets } from './activation/drain-target.ts';
import { createGroupDemand } from './activation/group-demand.ts';
import { createWatchedGroups } from './activation/watched-groups.ts';
import { createScalerMetrics } from './admin/scaler-metrics.ts';
import { createAdminServer, type Readiness } from './admin/scaler-admin-server.ts';
import { createBacklogReader } from './backlog/backlog-reader.ts';
import type { ScalerConfig } from './config.ts';
import { startController, type Controller, type ControllerOptions } from '../controller/controller.ts';
import { createScalerEmitter, type ScalerEmitter } from './scaler-events.ts';
import { createScalerProbe } from './grpc/scaler-probe.ts';
import { startGrpcServer } from './grpc/grpc-server.ts';
import { createKnownClusters } from './known-clusters.ts';
import { logScalerEvents } from './admin/log-scaler-events.ts';
import { openSources, type Sources } from './open-sources.ts';
import { shutDownScaler, type ScalerParts } from './shutdown.ts';
import { createWantedTriggers, type WantedTriggers } from './wanted-triggers.ts';

export interface ScalerDependencies {
  /** Default: Kubernetes, or the manifests at `triggersPath`. So for `secrets`. */
  readonly triggers?: TriggerSource;
  readonly secrets?: SecretReader;
  /**
   * Ready replicas of the function of a trigger, by its key; undefined where that is not known. Default: the endpoints in Kubernetes.
   * Where it is not known, a `targetDrainTime` counts for nothing, and `lagThreshold` decides.
   */
  readonly replicas?: (key: string) => number | undefined;
  /** Default: JSON lines on standard error. */
  readonly log?: Logger;
  /** Ends a start that waits for the API server: `startScaler` then rejects with the reason. */
  readonly signal?: AbortSignal;
}

export interface Scaler {
  readonly grpcPort: number;
  /** Origin of the HTTP port, for this machine. */
  readonly httpUrl: string;
  /** What KEDA would be answered, for those who scale processes on this machine. */
  readonly demand: Demand;
  /** What SIGTERM does: gives the Lease back, and ends streams, ports, timers and connections within a few seconds. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Resolves when both ports listen and the triggers are known. Kafka may be away: readiness and KEDA report it, and the scaler tries again
 * until Kafka answers. Rejects where a port is taken or the triggers cannot be read, with nothing left open.
 */
export async function startScaler(
  config: ScalerConfig,
  dependencies: ScalerDependencies = {},
): Promise<Scaler> {
  const log = (dependencies.log ?? createLog(config.logLevel)).child({ component: 'scaler' });
  const events = createScalerEmitter();
  logScalerEvents(events, log);
  const triggers = createWantedTriggers();
  const metrics = createScalerMetrics(events, triggers);
  const emit = events.emit.bind(events);
  const parts: ScalerParts = {};
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= shutDownScaler(parts));

  try {
    const sources = (parts.sources = await openSources(config, { ...dependencies, log }));
    const clientLog: ClientLog = (level, message, fields) => log[level](fields, message);
    const own = await openInstallationKafka(config, clientLog);
    parts.security = own.security;
    const offsets = (parts.offsets = createClustersReader({
      own,
      secrets: sources.secrets,
      guard: sources.guard,
      log: clientLog,
      onRequest: (apiName) => events.emit('kafkaRequest', apiName),
    }));
    const backlog = createBacklogReader({
      offsets,
      triggers,
      emit,
      onBacklog: (key, measured) => drainTargets.observe(key, measured),
    });
    const { replicas } = sources;
    const drainTargets = createDrainTargets({ triggers, replicas, refresh: () => backlog.refresh() });
    parts.drainTargets = drainTargets;
    const demand = (parts.demand = createDemand({ triggers, backlog, drainTargets, emit }));
    const groups = createWatchedGroups({ clusters: createKnownClusters(own.brokers, triggers) });
    const groupDemand = (parts.groupDemand = createGroupDemand({ groups, offsets, emit }));
    const readiness = watchReadiness(events, triggers);
    parts.unwatch = await sources.triggers.watch((wanted) => triggers.replace(wanted));

    const access = await openAccessControl(config.access, sources.tokenReviews);
    parts.access = access;
    const shared = { demand, triggers, emit, tls: config.tls };
    const admin = await createAdminServer({ ...shared, ...access, ...logAccess(log), metrics, readiness });
    parts.httpServer = admin;
    await admin.listen({ host: config.host, port: config.httpPort });
    const { host, grpcPort: port } = config;
    const grpc = await startGrpcServer({ ...shared, groups, groupDemand, host, port });
    parts.grpc = grpc;
    parts.stopFirstPoll = pollUntilAnswered(() => backlog.refresh());
    parts.controller = await runController(config, sources, { kafka: offsets, demand, log });

    const httpUrl = localUrl(config, boundPort(admin.server.address()));
    log.info({ grpcPort: grpc.port, httpUrl, triggers: triggers.all().length }, 'the scaler listens');
    return { grpcPort: grpc.port, httpUrl, demand, stop };
  } catch (error) {
    if (dependencies.signal?.aborted !== true) log.error(errorFields(error), 'the scaler cannot start');
    await stop();
    throw error;
  }
}

function openInstallationKafka(
  { kafkaBrokers: brokers, kafkaConfigPath: configPath }: ScalerConfig,
  log: ClientLog,
): Promise<ConnectionSettings> {
  return openInstallationConnection({ brokers, configPath, clientId: 'millrace-scaler', log });
}

/** Starts the controller, where triggers come from a cluster. */
async function runController(
  { kubernetes: config, tls }: ScalerConfig,
  { client, secrets }: Sources,
  { demand, ...parts }: Pick<ControllerOptions, 'kafka' | 'log'> & { readonly demand: Demand },
): Promise<Controller | undefined> {
  if (config === undefined || client === undefined) return undefined;
  const backlog = (key: string): Promise<bigint> => demand.backlog(key);
  const probe = createScalerProbe(tls);
  return startController({ ...parts, client, checkExpression, secrets, config, tls, backlog, probe });
}

function watchReadiness(events: ScalerEmitter, triggers: WantedTriggers): () => Readiness {
  let answered = false;
  let failure: string | undefined = 'not asked yet';
  events.on('polled', (_seconds, _triggers, error) => {
    failure = error === undefined ? undefined : describeError(error);
    answered ||= error === undefined;
  });
  return () => ({
    ready: answered,
    triggers: triggers.all().length,
    kafka: { reachable: failure === undefined, error: failure },
  });
}

/** Asks Kafka until it has answered once, though nobody else asks yet: readiness waits for that. Returns how to stop. */
function pollUntilAnswered(refresh: () => Promise<void>): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const ask = (): void => {
    refresh().catch(() => {
      if (!stopped) timer = setTimeout(ask, 1_000);
    });
  };
  ask();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

function boundPort(address: ReturnType<Server['address']>): number | undefined {
  return typeof address === 'object' ? address?.port : undefined;
}

/** Origin of the HTTP port, as it is called from this machine. */
function localUrl({ host, httpPort, tls }: ScalerConfig, port = httpPort): string {
  const isAny = host === '0.0.0.0' || host === '::';
  const name = isAny ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `${tls === undefined ? 'http' : 'https'}://${name}:${port}`;
}
