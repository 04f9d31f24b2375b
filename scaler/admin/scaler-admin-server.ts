// The scaler's HTTP port: the activation call, health, readiness and metrics.
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { createHttpServer, type HttpServerOptions } from '../../core/access/http-server.ts';
import { addActivationRoute, type ActivationRouteOptions } from './activation-route.ts';

/** What `/readyz` tells. */
export interface Readiness {
  /** KEDA can be answered: the triggers are known and Kafka has answered once. */
  readonly ready: boolean;
  readonly triggers: number;
  /** How the last poll went; `error` where no broker answered. */
  readonly kafka: { readonly reachable: boolean; readonly error?: string | undefined };
}

export interface AdminOptions extends ActivationRouteOptions, HttpServerOptions {
  readonly metrics: Registry;
  /** Who may read metrics: who has the right to, or anybody who reaches the port. */
  readonly metricsAccess: 'scrape' | 'anybody';
  readonly readiness: () => Readiness;
}

/**
 * Ready once Kafka has answered: a rollout with wrong settings stops there. Ready from then on, whatever
 * becomes of Kafka (the body tells): a scaler that Kubernetes takes out of its Service could not tell KEDA
 * that the backlog is unknown, and the ScaledObject's fallback acts on that answer only.
 */
export async function createAdminServer(options: AdminOptions): Promise<FastifyInstance> {
  const server = await createHttpServer(options);
  addActivationRoute(server, options);
  const anybody = { config: { access: 'anybody' } } as const;
  server.get('/healthz', anybody, () => ({ status: 'ok' }));
  server.get('/readyz', anybody, async ({ caller }, reply) => {
    const { ready, triggers, kafka } = options.readiness();
    void reply.code(ready ? 200 : 503);
    // What Kafka says, and how much there is, is for who may see triggers.
    return (await caller?.may('view', undefined)) === true ? { ready, triggers, kafka } : { ready };
  });
  server.get('/metrics', { config: { access: options.metricsAccess } }, async (_request, reply) => {
    return reply.type(options.metrics.contentType).send(await options.metrics.metrics());
  });
  return server;
}
