// A port of ours over HTTP, apart from where records go: TLS, who may come, limits, headers, and what is told of who did what. Gateway and
// scaler add their routes; each says what it asks for, or the server does not start.
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import { fastify, type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify';
import type { ErrorCode } from '../contract/errors.ts';
import { createAuthorize, type AuthorizeOptions } from './authorize.ts';
import { openCertificateFiles, type CertificateFiles, type TlsFiles } from './certificate-files.ts';
import { isLoopback } from './loopback.ts';

export interface HttpServerOptions extends AuthorizeOptions {
  /** Plain HTTP when absent. Of a client CA nothing is asked: kubelet has no certificate. */
  readonly tls?: Pick<TlsFiles, 'certPath' | 'keyPath'> | undefined;
  /** Milliseconds between two looks at its files; 10,000 when absent. */
  readonly certificateCheckMs?: number | undefined;
  readonly onCertificate: (change: { readonly validTo: string } | { readonly error: Error }) => void;
  readonly onAudit: (entry: AuditEntry) => void;
  /** A route failed, which the caller is told without a reason. */
  readonly onFailed: (error: Error) => void;
}

/** What somebody did, or tried to, that changes something: told before it is done, and again with how it ended. */
export interface AuditEntry {
  readonly kind: 'asked' | 'answered';
  /** `unknown`: nobody who is known. */
  readonly caller: string;
  readonly address: string;
  /** Method and route. */
  readonly action: string;
  /** What stands in the route and, of what was asked, in the body. */
  readonly parameters: object;
  readonly status: number | undefined;
}

/** Of one address, apart from programs on this machine that are trusted. */
const requestsPerMinute = 1_200;
const maxConnections = 1_000;
const requestLimitMs = 10_000;

/** All of a request within its limit. Of two limits Node takes the shorter for the headers, and looks every 30 s if not told otherwise. */
const timing = { headersTimeout: requestLimitMs, connectionsCheckingInterval: 1_000 };

const serverOptions = {
  logger: false,
  forceCloseConnections: true,
  requestTimeout: requestLimitMs,
  connectionTimeout: 6 * requestLimitMs,
  exposeHeadRoutes: false,
  // What is asked is what is meant: nothing is turned into another type, nor left out.
  ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
} as const;

/** Rejects with MILLRACE_CONFIG_INVALID where the certificate cannot be used. Not listening yet. */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const certificate = await openCertificate(options);
  const server =
    certificate === undefined ? fastify({ ...serverOptions, http: timing }) : createTlsServer(certificate);
  server.server.maxConnections = maxConnections;
  server.addHook('onClose', () => certificate?.close());
  await addDefences(server, options);
  addAuthorization(server, options);
  addAudit(server, options);
  // A form or a text needs no leave of the browser to be sent anywhere.
  server.removeContentTypeParser('text/plain');
  server.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) options.onFailed(error);
    const message = status < 500 ? error.message : 'this failed; the log says more';
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
    // Browsers would keep it for all ports of the host, which may be `localhost`; on this one there is nothing but TLS anyway.
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
  // After the limit of rates, which is a hook of each route too.
  server.addHook('onRoute', (route) => {
    const access = route.config?.access;
    if (access === undefined)
      throw new Error(`${String(route.method)} ${route.url} does not say who may come`);
    const others = route.onRequest === undefined ? [] : [route.onRequest].flat();
    route.onRequest = [...others, createAuthorize(options, access)];
  });
}

function addAudit(server: FastifyInstance, { onAudit }: HttpServerOptions): void {
  const tell = (request: FastifyRequest, told: Pick<AuditEntry, 'kind' | 'status'>, body?: unknown): void => {
    const { caller, ip, method, routeOptions, params } = request;
    if (routeOptions.config.access !== 'operate') return;
    onAudit({
      ...told,
      caller: caller?.name ?? 'unknown',
      address: ip,
      action: `${method} ${routeOptions.url ?? ''}`,
      parameters: { ...(params as object), ...(body as object | undefined) },
    });
  };
  // The body is what its schema says by then.
  server.addHook('preHandler', async (request) =>
    tell(request, { kind: 'asked', status: undefined }, request.body),
  );
  server.addHook('onResponse', async (request, reply) =>
    tell(request, { kind: 'answered', status: reply.statusCode }),
  );
}
