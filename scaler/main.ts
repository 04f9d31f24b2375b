// The scaler's composition root: triggers and Kafka in, KEDA's gRPC service and the HTTP port out. What happens at SIGTERM: shutdown.ts.
import type { Server } from 'node:net';
import type { Logger } from 'pino';
import { describeError, errorFields } from '../core/contract/errors.ts';
import type { TriggerSource } from '../core/contract/trigger-source.ts';
import type { SecretReader } from '../core/contract/secret-reader.ts';
import { logAccess } from '../core/access/audit-log.ts';
import { openAccessControl } from '../core/access/access-control.ts';
import { openInstallationConnection } from '../core/kafka/connection/installation-connection.ts';
import type { ClientLog, ConnectionSettings } from '../core/kafka/connection/connection-settings.ts';
import { createClustersReader, type ClustersReader } from '../core/kafka/offsets/offsets-of-clusters.ts';
import { createLog } from '../core/process/log.ts';
import { createDemand, type Demand } from './activation/demand.ts';
import { createDrainTargets } from './activation/drain-target.ts';
import { createGroupDemand } from './activation/group-demand.ts';
import { createWatchedGroups } from './activation/watched-groups.ts';
import { createScalerMetrics } from './admin/scaler-metrics.ts';
import { createAdminServer, type Readiness } from './admin/scaler-admin-server.ts';
import { createBacklogReader } from './backlog/backlog-reader.ts';
import type { ScalerConfig } from './config.ts';
import { createControllerEmitter, type ControllerEmitter } from '../controller/controller-events.ts';
import { startController, type Controller, type ControllerOptions } from '../controller/controller.ts';
import { createScalerEmitter, type EmitScaler, type ScalerEmitter } from './scaler-events.ts';
import { createScalerProbe } from './grpc/scaler-probe.ts';
import { startGrpcServer } from './grpc/grpc-server.ts';
import { createKnownClusters } from './known-clusters.ts';
import { logScalerEvents } from './admin/log-scaler-events.ts';
import { openSources, type Sources } from './open-sources.ts';
import { ProgressKeeper } from './progress-keeper.ts';
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
  /** As `roundMs` of the keeper of progress. */
  readonly keepRoundMs?: number;
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
  const controllerEvents = createControllerEmitter();
  logScalerEvents(events, log);
  const triggers = createWantedTriggers();
  const metrics = createScalerMetrics(events, controllerEvents, triggers);
  const emit = events.emit.bind(events);
  const parts: ScalerParts = {};
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= shutDownScaler(parts, log));

  try {
    const sources = (parts.sources = await openSources(config, { ...dependencies, log, emit }));
    const clientLog: ClientLog = (level, message, fields) => log[level](fields, message);
    const own = await openInstallationKafka(config, clientLog);
    parts.security = own.security;
    const offsets = (parts.offsets = openClusters(own, sources, clientLog, emit));
    letGo(triggers, offsets, emit);
    const backlog = createBacklogReader({
      offsets,
      triggers,
      emit,
      onBacklog: (key, measured) => drainTargets.observe(key, measured),
    });
    const { replicas } = sources;
    const drainTargets = createDrainTargets({ triggers, replicas, measure: (key) => backlog.measure(key) });
    parts.drainTargets = drainTargets;
    const demand = (parts.demand = createDemand({ triggers, backlog, drainTargets, emit }));
    const onKept = (key: string, error: Error | undefined): void => void emit('progressKept', key, error);
    parts.keeper = new ProgressKeeper({ triggers, offsets, onKept, roundMs: dependencies.keepRoundMs });
    const clusters = createKnownClusters(own.brokers, triggers);
    const groups = (parts.groups = createWatchedGroups({ clusters }));
    const groupDemand = (parts.groupDemand = createGroupDemand({ groups, offsets, emit }));
    const readiness = watchReadiness(events);
    parts.unwatch = await sources.triggers.watch((wanted) => triggers.replace(wanted));

    const access = (parts.access = await openAccessControl(config.access, sources.tokenReviews));
    const shared = { demand, triggers, emit, tls: config.tls };
    const serving = { ...shared, ...access, ...logAccess(log), metrics, readiness };
    const admin = (parts.httpServer = await createAdminServer(serving));
    await admin.listen({ host: config.host, port: config.httpPort });
    const { host, grpcPort: port } = config;
    const grpc = (parts.grpc = await startGrpcServer({ ...shared, groups, groupDemand, host, port }));
    parts.stopFirstPoll = pollUntilAnswered(() => offsets.proveOwn());
    const controlling = { kafka: offsets, demand, log, events: controllerEvents };
    parts.controller = await runController(config, sources, controlling);

    const httpUrl = localUrl(config, boundPort(admin.server.address()));
    log.info({ grpcPort: grpc.port, httpUrl, triggers: triggers.count }, 'the scaler listens');
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

function openClusters(
  own: ConnectionSettings,
  { secrets, guard }: Sources,
  log: ClientLog,
  emit: EmitScaler,
): ClustersReader {
  return createClustersReader({
    own,
    secrets,
    guard,
    log,
    onRequest: (apiName) => emit('kafkaRequest', apiName),
    onRead: (read, isOwn) => emit('polled', read, isOwn),
  });
}

/** Starts the controller, where triggers come from a cluster. */
async function runController(
  { kubernetes: config, tls }: ScalerConfig,
  { client, informer }: Sources,
  {
    demand,
    events,
    ...parts
  }: Pick<ControllerOptions, 'kafka' | 'log'> & {
    readonly demand: Demand;
    readonly events: ControllerEmitter;
  },
): Promise<Controller | undefined> {
  if (config === undefined || client === undefined || informer === undefined) return undefined;
  const backlog = (key: string): Promise<bigint> => demand.backlog(key);
  const probe = createScalerProbe(tls);
  const emit: ControllerOptions['emit'] = events.emit.bind(events);
  return startController({ ...parts, client, informer, config, tls, backlog, probe, emit });
}

function watchReadiness(events: ScalerEmitter): () => Readiness {
  let answered = false;
  let failure: string | undefined = 'not asked yet';
  events.on('polled', ({ error }, isOwn) => {
    if (!isOwn) return;
    failure = error === undefined ? undefined : describeError(error);
    answered ||= error === undefined;
  });
  return () => ({
    ready: answered,
    kafka: { reachable: failure === undefined, error: failure },
  });
}

/** What was made for a trigger, or for the cluster of one, goes with it. */
function letGo(triggers: WantedTriggers, offsets: ClustersReader, emit: EmitScaler): void {
  triggers.onChange(({ changed, gone }) => {
    for (const key of gone) emit('forgotten', key);
    if (changed.length + gone.length > 0) offsets.retain(triggers.all().map(({ source }) => source.access));
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
