// Who may call a port: each route declares the access that it requires, and a request without it ends here, before its body is read.
// The recognizers identify the caller by the bearer token; the caller's rights decide about the route.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller, Recognizer, Right } from '../contract/callers.ts';
import type { ErrorCode } from '../contract/errors.ts';
import { isLoopback } from './loopback.ts';

/** What a route requires. `anybody`: nothing. `caller`: a known caller, whose rights the route checks by itself. A right: a caller who has it. */
export type Access = 'anybody' | 'caller' | Right;

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    /** Null if the caller is not known. Never null on a route that requires more than `anybody`. */
    caller: Caller | null;
  }
}

export interface AuthorizeOptions {
  /** Asked in this order, until one knows the token. */
  readonly recognizers: readonly Recognizer[];
  /** Whether programs on this machine need no token. */
  readonly trustsLoopback: boolean;
  /** A recognizer, or the check of a right, failed. Must not throw. */
  readonly onRecognizerError: (error: Error) => void;
}

type Admission =
  | { readonly kind: 'caller'; readonly caller: Caller }
  | {
      readonly kind: 'refused';
      readonly status: 401 | 403 | 503;
      readonly code: ErrorCode;
      readonly why: string;
    };

/** RFC 6750, section 2.1. */
const bearer = /^Bearer +([\x21-\x7e]+)$/i;

export const rightsUnknown = 'your token or your rights cannot be checked now: try again';

/** The hook for routes that require `access`. */
export function createAuthorize(options: AuthorizeOptions, access: Access) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const admission = await admit(options, access, request);
    if (admission.kind === 'caller' || access === 'anybody') return;
    const { status, code, why } = admission;
    if (status === 401) void reply.header('www-authenticate', 'Bearer realm="millrace"');
    if (status === 503) void reply.header('retry-after', '1');
    await reply.code(status).send({ code, message: why });
  };
}

async function admit(options: AuthorizeOptions, access: Access, request: FastifyRequest): Promise<Admission> {
  if (isForeign(request))
    return refusal('MILLRACE_ADMIN_FORBIDDEN', 'the request comes from a web page of another origin');
  try {
    const admission = await recognize(options, request);
    if (admission.kind === 'caller') request.caller = admission.caller;
    if (admission.kind !== 'caller' || access === 'anybody' || access === 'caller') return admission;
    const { namespace } = request.params as { namespace?: string };
    if (await admission.caller.may(access, namespace)) return admission;
    const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
    return refusal('MILLRACE_ADMIN_FORBIDDEN', `${admission.caller.name} has no right to ${access}${where}`);
  } catch (error) {
    options.onRecognizerError(error as Error);
    return refusal('MILLRACE_ACCESS_UNKNOWN', rightsUnknown);
  }
}

async function recognize(
  { recognizers, trustsLoopback }: AuthorizeOptions,
  request: FastifyRequest,
): Promise<Admission> {
  const { authorization } = request.headers;
  if (authorization === undefined)
    return trustsLoopback && isLoopback(request.raw)
      ? { kind: 'caller', caller: localCaller(request) }
      : refusal(
          'MILLRACE_ADMIN_UNAUTHENTICATED',
          'a bearer token is required: send it as "Authorization: Bearer <token>"',
        );
  const token = bearer.exec(authorization)?.[1];
  if (token === undefined)
    return refusal(
      'MILLRACE_ADMIN_UNAUTHENTICATED',
      'the Authorization header has no bearer token: send "Authorization: Bearer <token>"',
    );
  for (const recognizer of recognizers) {
    const recognition = await recognizer.recognize(token);
    if (recognition.kind === 'caller') return recognition;
    if (recognition.kind === 'refused') return refusal('MILLRACE_ADMIN_UNAUTHENTICATED', recognition.why);
  }
  return refusal(
    'MILLRACE_ADMIN_UNAUTHENTICATED',
    'the bearer token is not known to any authenticator of this port',
  );
}

function refusal(code: keyof typeof statuses, why: string): Admission {
  return { kind: 'refused', status: statuses[code], code, why };
}

const statuses = {
  MILLRACE_ADMIN_UNAUTHENTICATED: 401,
  MILLRACE_ADMIN_FORBIDDEN: 403,
  MILLRACE_ACCESS_UNKNOWN: 503,
} as const;

/** Browsers mark requests that pages of other origins send. Such pages cannot send a token, so this check is enough. */
function isForeign({ method, headers }: FastifyRequest): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  const site = headers['sec-fetch-site'];
  return (
    (site !== undefined && site !== 'same-origin') || (headers.origin !== undefined && site === undefined)
  );
}

const mostAgent = 100;

function localCaller({ headers }: FastifyRequest): Caller {
  const agent = headers['user-agent']?.slice(0, mostAgent) ?? 'a program';
  return { name: `${agent} on this machine`, may: () => Promise.resolve(true) };
}
