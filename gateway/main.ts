// The gateway's composition root: settings → wired parts → running → drained.
import { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import { createLog, logEvents } from './admin/log.ts';
import { createMetrics } from './admin/metrics.ts';
import { startAdminServer } from './admin/server.ts';
import type { GatewayConfig } from './config.ts';
import { formatProblem } from './contract/manifests.ts';
import type { Problem } from './contract/problem.ts';
import type { EndpointSource, GatewayEvents, TriggerSource } from './contract/ports.ts';
import type { Subscription } from './contract/subscription.ts';
import { createActivationCall } from './control/activation-call.ts';
import { createFileTriggers } from './control/files.ts';
import { createStaticEndpoints } from './control/static-endpoints.ts';
import { checkExpression } from './filter/expression.ts';
import { createKafka } from './kafka/connection.ts';
import { createRecordSink } from './kafka/record-sink.ts';
import { createRecordSources } from './kafka/record-source.ts';
import type { TriggerSnapshot } from './pipeline/snapshot.ts';
import { Supervisor } from './pipeline/supervisor.ts';

export interface GatewayDependencies {
  /** Default: the manifests at `triggersPath`. */
  readonly triggers?: TriggerSource | undefined;
  /** Default: functions named by URI only. */
  readonly endpoints?: EndpointSource | undefined;
  readonly log?: Logger | undefined;
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
  const dataPlane = createDataPlane(config, dependencies, events, log);
  const { supervisor } = dataPlane;
  let isServing = false;
  const server = await startAdminServer({
    host: config.adminHost,
    port: config.adminPort,
    metrics: createMetrics(events, () => supervisor.snapshot()),
    triggers: () => supervisor.snapshot(),
    isServing: () => isServing,
  });
  const triggers =
    dependencies.triggers ??
    createFileTriggers({
      path: config.triggersPath,
      checkExpression,
      onProblems: logProblems(log),
    });
  let unwatch: () => void;
  try {
    unwatch = await triggers.watch((wanted) => void supervisor.want(wanted));
  } catch (error) {
    await server.close();
    await dataPlane.close();
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
    },
  };
}

/** All that carries records, and how to end it in order. */
function createDataPlane(
  config: GatewayConfig,
  dependencies: GatewayDependencies,
  events: EventEmitter<GatewayEvents>,
  log: Logger,
): { supervisor: Supervisor; close: () => Promise<void> } {
  const connection = { brokers: config.kafkaBrokers, clientId: 'millrace-gateway' };
  const kafka = createKafka(connection, (level, message, fields) => log[level](fields, message));
  const sink = createRecordSink(kafka);
  const activation = createActivationCall({
    urls: config.scalerUrls,
    onError: (error, url) => log.debug({ url, reason: error.message }, 'scaler not told'),
  });
  const supervisor = new Supervisor({
    createSource: createRecordSources({ kafka }),
    endpoints: dependencies.endpoints ?? createStaticEndpoints(warnUnknown(log)),
    sink,
    activation,
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
      await sink.close();
    },
  };
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
