// The gateway's own door, off the data path: metrics, liveness, readiness, and what runs.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Registry } from 'prom-client';
import { parseDuration } from '../../core/resources/schema/duration.ts';
import { createHttpServer, type HttpServerOptions } from '../../core/access/http-server.ts';
import { routeAccess } from './route-access.ts';
import { addSkipRoutes, type SkipRouteOptions } from './skip-routes.ts';

export interface AdminOptions extends SkipRouteOptions, HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Registry;
  /** Who may read metrics: who has the right to, or anybody who reaches the port. */
  readonly metricsAccess: 'scrape' | 'anybody';
  readonly triggers: () => readonly TriggerState[];
  /** False before the triggers are known, and from the moment that a stop begins. */
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

/** Rejects when the port is taken, or with MILLRACE_CONFIG_INVALID where the certificate cannot be used. */
export async function startAdminServer(options: AdminOptions): Promise<AdminServer> {
  const server = await createHttpServer(options);
  addHealth(server, options);
  addRoutes(server, options);
  addSkipRoutes(server, options);
  const url = await server.listen({ host: options.host, port: options.port });
  return { url, close: () => server.close() };
}

function addHealth(server: FastifyInstance, { triggers, isServing }: AdminOptions): void {
  // Answers as long as the event loop turns. Whether Kafka answers is readiness: a restart would not mend Kafka.
  server.get('/healthz', { config: { access: routeAccess.health } }, () => ({ status: 'ok' }));
  let servingSinceMs: number | undefined;
  server.get('/readyz', { config: { access: routeAccess.readiness } }, async (request, reply) => {
    const waiting = triggers().filter(({ ready, state }) => !ready && state !== 'suspended');
    servingSinceMs = isServing() ? (servingSinceMs ?? performance.now()) : undefined;
    const servedMs = servingSinceMs === undefined ? 0 : performance.now() - servingSinceMs;
    const isReady = isServing() && (waiting.length === 0 || servedMs >= patienceMs(request.query));
    void reply.code(isReady ? 200 : 503);
    const status = isReady ? 'ready' : isServing() ? 'waiting' : 'not serving';
    // Which, and why, is for who may see triggers.
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

/** Those in namespaces that the caller may look into. */
async function visibleTo<T extends TriggerState>(
  { caller }: FastifyRequest,
  triggers: readonly T[],
): Promise<T[]> {
  if (caller === null) return [];
  if (await caller.may('view', undefined)) return [...triggers];
  const namespaces = [...new Set(triggers.map(namespaceOf))];
  const verdicts = await Promise.all(namespaces.map((namespace) => caller.may('view', namespace)));
  const visible = new Set(namespaces.filter((_, index) => verdicts[index]));
  return triggers.filter((trigger) => visible.has(namespaceOf(trigger)));
}

function namespaceOf({ key }: TriggerState): string {
  return key.slice(0, key.indexOf('/'));
}

/**
 * `/readyz?patience=PT30S`: how long after the first such question triggers are waited for. From then on what is missing is not this
 * gateway's to mend, and one tenant's missing topic holds up nobody's rollout. Without it: for ever.
 */
function patienceMs(query: unknown): number {
  const { patience } = query as { patience?: unknown };
  return (typeof patience === 'string' ? parseDuration(patience) : undefined) ?? Infinity;
}
