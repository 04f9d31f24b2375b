// Composition root of the scaler: triggers and Kafka in, KEDA's gRPC service and the HTTP port out.
import type { Server } from 'node:net';
import type { Logger } from 'pino';
import type { Recognizer } from '../core/contract/callers.ts';
import { describeError } from '../core/contract/errors.ts';
import type { TriggerSource } from '../core/contract/trigger-source.ts';
import type { SecretReader } from '../core/contract/secret-reader.ts';
import { logAccess } from '../core/access/audit-log.ts';
import { openAccessControl } from '../core/access/access-control.ts';
import { openOwnConnection } from '../core/kafka/connection/own-connection.ts';
import type { ClientLog } from '../core/kafka/connection/kafka-client.ts';
import { createClustersReader } from '../core/kafka/offsets/offsets-of-clusters.ts';
import type { ConnectGuard } from '../core/network/connect-guard.ts';
import { createDemand, type Demand } from './activation/demand.ts';
import { createDrainTargets } from './activation/drain-target.ts';
import { createGroupDemand } from './activation/group-demand.ts';
import { createWatchedGroups } from './activation/watched-groups.ts';
import { createScalerMetrics } from './admin/scaler-metrics.ts';
import { createAdminServer, type Readiness } from './admin/scaler-admin-server.ts';
import { createBacklogReader } from './backlog/backlog-reader.ts';
import type { ScalerConfig } from './config.ts';
import { startController, type ControllerOptions } from '../controller/controller.ts';
import { createScalerEmitter, type ScalerEmitter } from './scaler-events.ts';
import { createScalerProbe } from './grpc/scaler-probe.ts';
import { startGrpcServer } from './grpc/grpc-server.ts';
import { createKnownClusters } from './known-clusters.ts';
import { createScalerLog, logScalerEvents } from './admin/log-scaler-events.ts';
import { createWantedTriggers, type WantedTriggers } from './wanted-triggers.ts';

export interface ScalerDependencies {
  readonly triggers: TriggerSource;
  /** What is secret about the clusters of triggers. */
  readonly secrets: SecretReader;
  /** Of the brokers and token endpoints that triggers name; absent: they may be anywhere. */
  readonly guard?: ConnectGuard | undefined;
  /**
   * Ready replicas of the function of a trigger, by its key; undefined where that is not known. Without it, a `targetDrainTime`
   * has to do with `lagThreshold`.
   */
  readonly replicas?: ((key: string) => number | undefined) | undefined;
  /** Where `config.kubernetes` is given: what its controller works with. */
  readonly cluster?: Pick<ControllerOptions, 'client' | 'checkExpression'> | undefined;
  /** Absent: no API server is asked who calls. */
  readonly tokenReviews?: Recognizer | undefined;
  /** Standard output when absent. */
  readonly log?: Logger | undefined;
}

export interface Scaler {
  readonly grpcPort: number;
  /** Origin of the HTTP port, for this machine. */
  readonly httpUrl: string;
  /** The decision itself, for whoever scales processes on this machine. */
  readonly demand: Demand;
  /** Ends streams, ports, timers and connections within a few seconds; idempotent. */
  stop(): Promise<void>;
}

/**
 * Resolves when both ports listen and the trigger source has told its triggers. Kafka may be away: readiness
 * and KEDA are told, and it is tried again until it answers. Rejects where a port is taken or the source
 * fails, with nothing left open.
 */
export async function startScaler(config: ScalerConfig, dependencies: ScalerDependencies): Promise<Scaler> {
  const log = dependencies.log ?? createScalerLog(config.logLevel);
  const events = createScalerEmitter();
  logScalerEvents(events, log);
  const triggers = createWantedTriggers();
  const metrics = createScalerMetrics(events, triggers);
  const emit = events.emit.bind(events);
  const ends: (() => void | Promise<void>)[] = [];
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= endAll(ends));

  try {
    const clientLog: ClientLog = (level, message, fields) => log[level](fields, message);
    const { kafkaBrokers: brokers, kafkaConfigPath: configPath } = config;
    const own = await openOwnConnection({ brokers, configPath, clientId: 'millrace-scaler', log: clientLog });
    ends.push(() => own.security?.close());
    const offsets = createClustersReader({
      own,
      secrets: dependencies.secrets,
      guard: dependencies.guard,
      log: clientLog,
      onRequest: (apiName) => events.emit('kafkaRequest', apiName),
    });
    ends.push(() => offsets.close());
    const backlog = createBacklogReader({
      offsets,
      triggers,
      emit,
      onOwed: (key, owed) => drainTargets.observe(key, owed),
    });
    const replicas = dependencies.replicas ?? (() => undefined);
    const drainTargets = createDrainTargets({ triggers, replicas, refresh: () => backlog.refresh() });
    ends.push(() => drainTargets.close());
    const demand = createDemand({ triggers, backlog, drainTargets, emit });
    ends.push(() => demand.close());
    const groups = createWatchedGroups({ clusters: createKnownClusters(own.brokers, triggers) });
    const groupDemand = createGroupDemand({ groups, offsets, emit });
    ends.push(() => groupDemand.close());
    const readiness = watchReadiness(events, triggers);
    ends.push(await dependencies.triggers.watch((wanted) => triggers.replace(wanted)));

    const access = await openAccessControl(config.access, dependencies.tokenReviews);
    ends.push(() => access.close());
    const shared = { demand, triggers, emit, tls: config.tls };
    const admin = await createAdminServer({ ...shared, ...access, ...logAccess(log), metrics, readiness });
    ends.push(() => admin.close());
    await admin.listen({ host: config.host, port: config.httpPort });
    const { host, grpcPort: port } = config;
    const grpc = await startGrpcServer({ ...shared, groups, groupDemand, host, port });
    ends.push(() => grpc.stop());
    ends.push(pollUntilAnswered(() => backlog.refresh()));
    ends.push(await control(config, dependencies, { kafka: offsets, demand, log }));

    const httpUrl = localUrl(config, boundPort(admin.server.address()));
    log.info({ grpcPort: grpc.port, httpUrl, triggers: triggers.all().length }, 'The scaler listens');
    return { grpcPort: grpc.port, httpUrl, demand, stop };
  } catch (error) {
    log.error({ error: describeError(error) }, 'The scaler cannot start');
    await stop();
    throw error;
  }
}

/** The controller, where triggers come from a cluster. Returns how to end it. */
async function control(
  { kubernetes: config, tls }: ScalerConfig,
  { cluster, secrets }: ScalerDependencies,
  { demand, ...parts }: Pick<ControllerOptions, 'kafka' | 'log'> & { readonly demand: Demand },
): Promise<() => Promise<void>> {
  if (config === undefined || cluster === undefined) return () => Promise.resolve();
  const backlog = (key: string): Promise<bigint> => demand.backlog(key);
  const controller = await startController({
    ...cluster,
    ...parts,
    secrets,
    config,
    tls,
    backlog,
    probe: createScalerProbe(tls),
  });
  return () => controller.stop();
}

/** Last opened, first closed; one that fails does not keep the others open. */
async function endAll(ends: readonly (() => void | Promise<void>)[]): Promise<void> {
  for (const end of ends.toReversed()) {
    try {
      await end();
    } catch {
      // What cannot be closed is gone already.
    }
  }
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

/**
 * Without anybody asking, Kafka is asked until it has answered once: readiness waits for it. Returns how to
 * stop.
 */
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
