// The gateway's own door, off the data path: metrics, liveness, readiness, and what runs.
import fastify, { type FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { parseDuration } from '../contract/duration.ts';
import { addSkipRoutes, type SkipRouteOptions } from './skip-route.ts';

export interface AdminOptions extends SkipRouteOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Registry;
  readonly triggers: () => readonly {
    readonly key: string;
    readonly ready: boolean;
    readonly state: string;
    readonly reason: string;
  }[];
  /** False before the triggers are known, and from the moment that a stop begins. */
  readonly isServing: () => boolean;
}

export interface AdminServer {
  /** Such as `http://127.0.0.1:9464`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Rejects when the port is taken. */
export async function startAdminServer(options: AdminOptions): Promise<AdminServer> {
  const server = fastify({
    logger: false,
    forceCloseConnections: true,
    // All of a request within 10 s. Of two limits Node takes the shorter for the headers, and looks every 30 s if not told otherwise.
    requestTimeout: 10_000,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 1_000 },
    // What is asked is what is meant: nothing is turned into another type, nor left out.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  });
  addRoutes(server, options);
  addSkipRoutes(server, options);
  const url = await server.listen({ host: options.host, port: options.port });
  return { url, close: () => server.close() };
}

function addRoutes(server: FastifyInstance, { metrics, triggers, isServing }: AdminOptions): void {
  // Answers as long as the event loop turns. Whether Kafka answers is readiness: a restart would not mend Kafka.
  server.get('/healthz', () => ({ status: 'ok' }));
  let servingSinceMs: number | undefined;
  server.get('/readyz', (request, reply) => {
    const waiting = triggers().filter(({ ready, state }) => !ready && state !== 'suspended');
    servingSinceMs = isServing() ? (servingSinceMs ?? performance.now()) : undefined;
    const servedMs = servingSinceMs === undefined ? 0 : performance.now() - servingSinceMs;
    const isReady = isServing() && (waiting.length === 0 || servedMs >= patienceMs(request.query));
    void reply.code(isReady ? 200 : 503);
    return {
      status: isReady ? 'ready' : isServing() ? 'waiting' : 'not serving',
      waiting: waiting.map(({ key, state, reason }) => ({ trigger: key, state, reason })),
    };
  });
  server.get('/metrics', async (_request, reply) => {
    const text = await metrics.metrics();
    return reply.type(metrics.contentType).send(text);
  });
  server.get('/v1/triggers', () => ({ triggers: triggers() }));
}

/**
 * `/readyz?patience=PT30S`: how long after the first such question triggers are waited for. From then on what is missing is not this
 * gateway's to mend, and one tenant's missing topic holds up nobody's rollout. Without it: for ever.
 */
function patienceMs(query: unknown): number {
  const { patience } = query as { patience?: unknown };
  return (typeof patience === 'string' ? parseDuration(patience) : undefined) ?? Infinity;
}
