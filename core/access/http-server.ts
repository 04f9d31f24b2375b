// The HTTP server for the admin ports of gateway and scaler: TLS, authorization, limits, security headers, audit. No records pass here.
// Gateway and scaler add the routes. A route that declares no access is refused at the start.
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import { fastify, type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify';
import type { ErrorCode } from '../contract/errors.ts';
import { createAuthorize, rightsUnknown, type AuthorizeOptions } from './authorize.ts';
import { openCertificateFiles, type CertificateFiles, type TlsFiles } from './certificate-files.ts';
import { isLoopback } from './loopback.ts';

export interface HttpServerOptions extends AuthorizeOptions {
  /** Plain HTTP when absent. Clients need no certificate, because the kubelet has none. */
  readonly tls?: Pick<TlsFiles, 'certPath' | 'keyPath'> | undefined;
  /** Milliseconds between two reads of its files; 10,000 when absent. */
  readonly certificateCheckMs?: number | undefined;
  readonly onCertificate: (change: { readonly validTo: string } | { readonly error: Error }) => void;
  readonly onAudit: (entry: AuditEntry) => void;
  /** A route failed. The caller gets no reason, so this is the only report. */
  readonly onFailed: (error: Error) => void;
}

/** An action of a caller on a route that requires `operate`: reported before it is done, and again with its status. */
export interface AuditEntry {
  readonly kind: 'asked' | 'answered';
  /** `unknown` for a caller who is not recognized. */
  readonly caller: string;
  readonly address: string;
  /** Method and route. */
  readonly action: string;
  /** Parameters of the route and, in entries of the kind `asked`, the body. */
  readonly parameters: object;
  readonly status: number | undefined;
}

/** For one address. Trusted programs on this machine have no limit. */
const requestsPerMinute = 1_200;
const maxConnections = 1_000;
const requestLimitMs = 10_000;

/** Limits a whole request. Node.js takes the shorter of its two limits for the headers, and checks only every 30 s by default. */
const timing = { headersTimeout: requestLimitMs, connectionsCheckingInterval: 1_000 };

const serverOptions = {
  logger: false,
  forceCloseConnections: true,
  requestTimeout: requestLimitMs,
  connectionTimeout: 6 * requestLimitMs,
  exposeHeadRoutes: false,
  // A request must match its schema as it is: no value is converted, and no property dropped.
  ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
} as const;

/** Does not listen yet. Rejects with MILLRACE_CONFIG_INVALID if the certificate cannot be used. */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const certificate = await openCertificate(options);
  const server =
    certificate === undefined ? fastify({ ...serverOptions, http: timing }) : createTlsServer(certificate);
  server.server.maxConnections = maxConnections;
  server.addHook('onClose', () => certificate?.close());
  await addDefences(server, options);
  addAuthorization(server, options);
  addAudit(server, options);
  // Browsers send plain text to other origins without asking them first (no CORS preflight).
  server.removeContentTypeParser('text/plain');
  server.setErrorHandler((error: FastifyError, _request, reply) => {
    if (error.code === 'MILLRACE_ACCESS_UNKNOWN') {
      options.onRecognizerError(error);
      void reply.code(503).header('retry-after', '1').send(problem(error.code, rightsUnknown));
      return;
    }
    const status = error.statusCode ?? 500;
    if (status >= 500) options.onFailed(error);
    const message = status < 500 ? error.message : 'internal error: see the log of the process';
    void reply
      .code(status)
      .send(problem(status === 429 ? 'MILLRACE_ADMIN_THROTTLED' : 'MILLRACE_REQUEST_INVALID', message));
  });
  return server;
}

export function problem(code: ErrorCode, message: string): { code: ErrorCode; message: string } {
  return { code, message };
}

async function openCertificate({
  tls,
  certificateCheckMs: checkMs,
  onCertificate,
}: HttpServerOptions): Promise<CertificateFiles | undefined> {
  if (tls === undefined) return undefined;
  return openCertificateFiles({
    files: { certPath: tls.certPath, keyPath: tls.keyPath },
    checkMs,
    onChanged: (validTo) => onCertificate({ validTo }),
    onFailed: (error) => onCertificate({ error }),
  });
}

function createTlsServer(certificate: CertificateFiles): FastifyInstance {
  const https = { ...timing, ...shown(certificate), minVersion: 'TLSv1.2' } as const;
  const server = fastify({ ...serverOptions, https });
  certificate.onRenewed(() => server.server.setSecureContext(shown(certificate)));
  return server;
}

function shown(certificate: CertificateFiles): { cert: Buffer; key: Buffer } {
  const { cert, key } = certificate.current();
  return { cert, key };
}

async function addDefences(server: FastifyInstance, options: HttpServerOptions): Promise<void> {
  await server.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
      },
    },
    // Browsers would apply HSTS to all ports of the host, which may be `localhost`. This port speaks only TLS anyway.
    strictTransportSecurity: false,
  });
  server.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'));
  await server.register(rateLimit, {
    max: requestsPerMinute,
    timeWindow: 60_000,
    allowList: (request: FastifyRequest) => options.trustsLoopback && isLoopback(request.raw),
  });
}

function addAuthorization(server: FastifyInstance, options: HttpServerOptions): void {
  server.decorateRequest('caller', null);
  // Runs after the rate limit, which is also a hook of each route.
  server.addHook('onRoute', (route) => {
    const access = route.config?.access;
    if (access === undefined)
      throw new Error(`${String(route.method)} ${route.url} declares no access: set config.access`);
    const others = route.onRequest === undefined ? [] : [route.onRequest].flat();
    route.onRequest = [...others, createAuthorize(options, access)];
  });
}

function addAudit(server: FastifyInstance, { onAudit }: HttpServerOptions): void {
  const audit = (
    request: FastifyRequest,
    outcome: Pick<AuditEntry, 'kind' | 'status'>,
    body?: unknown,
  ): void => {
    const { caller, ip, method, routeOptions, params } = request;
    if (routeOptions.config.access !== 'operate') return;
    onAudit({
      ...outcome,
      caller: caller?.name ?? 'unknown',
      address: ip,
      action: `${method} ${routeOptions.url ?? ''}`,
      parameters: { ...(params as object), ...(body as object | undefined) },
    });
  };
  // In this hook, the body has passed its schema.
  server.addHook('preHandler', async (request) =>
    audit(request, { kind: 'asked', status: undefined }, request.body),
  );
  server.addHook('onResponse', async (request, reply) =>
    audit(request, { kind: 'answered', status: reply.statusCode }),
  );
}
