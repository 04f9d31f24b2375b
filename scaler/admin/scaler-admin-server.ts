// The scaler's HTTP port: the activation call, health, readiness and metrics.
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { createHttpServer, type HttpServerOptions } from '../../core/access/http-server.ts';
import { addActivationRoute, type ActivationRouteOptions } from './activation-route.ts';

/** What `/readyz` answers from. */
export interface Readiness {
  /** The scaler can answer KEDA: the triggers are known, and Kafka has answered once. */
  readonly ready: boolean;
  /** The result of the last poll; `error` if no broker answered. */
  readonly kafka: { readonly reachable: boolean; readonly error?: string | undefined };
}

export interface AdminOptions extends ActivationRouteOptions, HttpServerOptions {
  readonly metrics: Registry;
  /** Who may read metrics: callers with the right `scrape`, or anybody who reaches the port. */
  readonly metricsAccess: 'scrape' | 'anybody';
  readonly readiness: () => Readiness;
}

/**
 * The scaler is ready once Kafka has answered, so that a rollout with wrong settings stops. It stays ready when Kafka fails
 * later (the body reports it): a scaler that Kubernetes removes from its Service could not answer KEDA that the backlog is
 * unknown, and only that answer triggers the ScaledObject's fallback.
 */
export async function createAdminServer(options: AdminOptions): Promise<FastifyInstance> {
  const server = await createHttpServer(options);
  addActivationRoute(server, options);
  const anybody = { config: { access: 'anybody' } } as const;
  server.get('/healthz', anybody, () => ({ status: 'ok' }));
  server.get('/readyz', anybody, async ({ caller }, reply) => {
    const { ready, kafka } = options.readiness();
    void reply.code(ready ? 200 : 503);
    const status = ready ? 'ready' : 'waiting';
    // As the gateway answers: all learn how much it waits for; what that is, and what fails later, only callers who may view triggers.
    if ((await caller?.may('view', undefined)) !== true) return { status, waiting: ready ? 0 : 1 };
    return { status, waiting: kafka.reachable ? [] : [{ kafka: 'unreachable', reason: kafka.error ?? '' }] };
  });
  server.get('/metrics', { config: { access: options.metricsAccess } }, async (_request, reply) => {
    return reply.type(options.metrics.contentType).send(await options.metrics.metrics());
  });
  return server;
}
