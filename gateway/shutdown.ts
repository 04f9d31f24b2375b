// What the gateway does at SIGTERM: it drains, and then closes what draining needed. `Gateway.stop` is this.
import type { Logger } from 'pino';
import type { AdminServer } from './admin/admin-server.ts';
import type { Supervisor } from './supervision/supervisor.ts';

interface Closable {
  close(): Promise<void>;
}

/** What runs in a gateway. */
export interface GatewayParts {
  readonly log: Logger;
  readonly drainLimitMs: number;
  /** From now on `/readyz` answers 503. */
  readonly markUnready: () => void;
  /** Stops following the triggers; absent where the gateway has not begun to. */
  readonly unwatch?: (() => void) | undefined;
  readonly supervisor: Pick<Supervisor, 'stop' | 'snapshot'>;
  readonly activation: Closable;
  readonly clusters: Closable;
  /** Credentials for the installation's own Kafka; absent where connections to it are not secured. */
  readonly security?: Closable | undefined;
  readonly server: Pick<AdminServer, 'close'>;
  readonly access: Closable;
  /** Where triggers, endpoints and Secrets come from. */
  readonly control: Closable;
}

export async function shutDownGateway(parts: GatewayParts): Promise<void> {
  const { log, drainLimitMs } = parts;
  parts.markUnready();
  parts.unwatch?.();
  const inFlight = parts.supervisor.snapshot().reduce((sum, trigger) => sum + trigger.inFlight, 0);
  log.info(
    { inFlight, drainLimitMs },
    'the gateway stops: requests in flight may end within the drain limit',
  );
  // Drain: no trigger fetches or begins a request any more. Requests in flight may end, within MILLRACE_DRAIN_LIMIT. Then each trigger
  // commits what is settled and leaves its consumer group, so that the other gateways get its partitions at once.
  await parts.supervisor.stop();
  log.info('all triggers have stopped: what is settled is committed, and their consumer groups are left');
  await parts.activation.close();
  await parts.clusters.close();
  await parts.security?.close();
  // Metrics and liveness are served until here.
  await parts.server.close();
  await parts.access.close();
  await parts.control.close();
  log.info('the gateway has stopped');
}
