// The HTTP server of the gateway for operators, off the data path: metrics, liveness, readiness, and the state of triggers.
// `route-access.ts` says who may call which route.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Registry } from 'prom-client';
import { parseDuration } from '../../core/resources/schema/duration.ts';
import { createHttpServer, type HttpServerOptions } from '../../core/access/http-server.ts';
import { visibleNamespaces } from '../../core/access/visible-namespaces.ts';
import { routeAccess } from './route-access.ts';
import { addSkipRoutes, type SkipRouteOptions } from './skip-routes.ts';

export interface AdminOptions extends SkipRouteOptions, HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Registry;
  /** Who may read metrics: callers with the right to scrape, or anybody who reaches the port. */
  readonly metricsAccess: 'scrape' | 'anybody';
  readonly triggers: () => readonly TriggerState[];
  /** False until the triggers are known, and from the start of a shutdown. */
  readonly isServing: () => boolean;
}

interface TriggerState {
  /** `namespace/name`. */
  readonly key: string;
  readonly ready: boolean;
  readonly state: string;
  readonly reason: string;
}

export interface AdminServer {
  /** Such as `http://127.0.0.1:9464`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Rejects where the port is in use, or with MILLRACE_CONFIG_INVALID where the certificate cannot be used. */
export async function startAdminServer(options: AdminOptions): Promise<AdminServer> {
  const server = await createHttpServer(options);
  addHealth(server, options);
  addRoutes(server, options);
  addSkipRoutes(server, options);
  const url = await server.listen({ host: options.host, port: options.port });
  return { url, close: () => server.close() };
}

function addHealth(server: FastifyInstance, { triggers, isServing }: AdminOptions): void {
  // Liveness only shows that the event loop runs. Kafka counts for readiness, because a restart would not repair Kafka.
  server.get('/healthz', { config: { access: routeAccess.health } }, () => ({ status: 'ok' }));
  let servingSinceMs: number | undefined;
  server.get('/readyz', { config: { access: routeAccess.readiness } }, async (request, reply) => {
    const waiting = triggers().filter(({ ready, state }) => !ready && state !== 'suspended');
    servingSinceMs = isServing() ? (servingSinceMs ?? performance.now()) : undefined;
    const servedMs = servingSinceMs === undefined ? 0 : performance.now() - servingSinceMs;
    const isReady = isServing() && (waiting.length === 0 || servedMs >= patienceMs(request.query));
    void reply.code(isReady ? 200 : 503);
    const status = isReady ? 'ready' : isServing() ? 'waiting' : 'not serving';
    // Only callers that may view triggers see which ones are waiting, and why.
    if (request.caller === null) return { status, waiting: waiting.length };
    const visible = await visibleTo(request, waiting);
    return { status, waiting: visible.map(({ key, state, reason }) => ({ trigger: key, state, reason })) };
  });
}

function addRoutes(server: FastifyInstance, { metrics, metricsAccess, triggers }: AdminOptions): void {
  server.get('/metrics', { config: { access: metricsAccess } }, async (_request, reply) => {
    const text = await metrics.metrics();
    return reply.type(metrics.contentType).send(text);
  });
  server.get('/v1/triggers', { config: { access: routeAccess.triggers } }, async (request) => ({
    triggers: await visibleTo(request, triggers()),
  }));
}

/** The triggers in namespaces that the caller may view. */
async function visibleTo<T extends TriggerState>(
  { caller }: FastifyRequest,
  triggers: readonly T[],
): Promise<T[]> {
  if (caller === null) return [];
  const visible = await visibleNamespaces(caller, { right: 'view', namespaces: triggers.map(namespaceOf) });
  return triggers.filter((trigger) => visible.has(namespaceOf(trigger)));
}

function namespaceOf({ key }: TriggerState): string {
  return key.slice(0, key.indexOf('/'));
}

/**
 * `/readyz?patience=PT30S`: how long readiness waits for triggers, counted from the first request while the gateway serves. After that
 * this gateway cannot repair what is missing, and the missing topic of one tenant must not block a rollout. Without it, readiness waits
 * without a limit.
 */
function patienceMs(query: unknown): number {
  const { patience } = query as { patience?: unknown };
  return (typeof patience === 'string' ? parseDuration(patience) : undefined) ?? Infinity;
}
