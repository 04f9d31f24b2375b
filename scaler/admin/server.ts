// The scaler's HTTP port: the activation call, health, readiness and metrics.
import { fastify, type FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { addActivationRoute, type ActivationRouteOptions } from './activation-route.ts';

/** What `/readyz` tells. */
export interface Readiness {
  /** KEDA can be answered: the triggers are known and Kafka has answered once. */
  readonly ready: boolean;
  readonly triggers: number;
  /** How the last poll went; `error` where no broker answered. */
  readonly kafka: { readonly reachable: boolean; readonly error?: string | undefined };
}

export interface AdminOptions extends ActivationRouteOptions {
  readonly metrics: Registry;
  readonly readiness: () => Readiness;
}

/**
 * Ready once Kafka has answered: a rollout with wrong settings stops there. Ready from then on, whatever
 * becomes of Kafka (the body tells): a scaler that Kubernetes takes out of its Service could not tell KEDA
 * that the backlog is unknown, and the ScaledObject's fallback acts on that answer only.
 */
export function createAdminServer(options: AdminOptions): FastifyInstance {
  const server = fastify({
    logger: false,
    forceCloseConnections: true,
    // All of a request within 10 s. Of two limits Node takes the shorter for the headers, and looks every 30 s if not told otherwise.
    requestTimeout: 10_000,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 1_000 },
    // What is asked is what is meant: nothing is turned into another type, nor left out.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  });
  addActivationRoute(server, options);
  server.get('/healthz', async () => ({ status: 'ok' }));
  server.get('/readyz', async (_request, reply) => {
    const readiness = options.readiness();
    return reply.code(readiness.ready ? 200 : 503).send(readiness);
  });
  server.get('/metrics', async (_request, reply) => {
    return reply.type(options.metrics.contentType).send(await options.metrics.metrics());
  });
  return server;
}
