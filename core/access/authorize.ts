// Who is let in: each route says what it asks for, and a request that has it not ends here, before its body is read.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller, Recognizer, Right } from '../contract/callers.ts';
import type { ErrorCode } from '../contract/errors.ts';
import { isLoopback } from './loopback.ts';

/** What a route asks for: `anybody` may come to it; a `caller` has only to be known, and the route goes by what they may. */
export type Access = 'anybody' | 'caller' | Right;

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    /** Null where nobody known came; on a route that asks for more than `anybody`, never. */
    caller: Caller | null;
  }
}

export interface AuthorizeOptions {
  /** Asked one after the other, until one knows the token. */
  readonly recognizers: readonly Recognizer[];
  /** Programs on this machine need no token. */
  readonly trustsLoopback: boolean;
  /** Who knows callers does not answer. Must not throw. */
  readonly onUnknown: (error: Error) => void;
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

/** The hook of routes that ask for `access`. */
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
    return refusal('MILLRACE_ADMIN_FORBIDDEN', 'this comes from a page of another origin');
  try {
    const admission = await recognize(options, request);
    if (admission.kind === 'caller') request.caller = admission.caller;
    if (admission.kind !== 'caller' || access === 'anybody' || access === 'caller') return admission;
    const { namespace } = request.params as { namespace?: string };
    if (await admission.caller.may(access, namespace)) return admission;
    const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
    return refusal('MILLRACE_ADMIN_FORBIDDEN', `${admission.caller.name} has no right to ${access}${where}`);
  } catch (error) {
    options.onUnknown(error as Error);
    return refusal('MILLRACE_ACCESS_UNKNOWN', 'who you are, or what you may, cannot be told now');
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
      : refusal('MILLRACE_ADMIN_UNAUTHENTICATED', 'nobody comes in here without a bearer token');
  const token = bearer.exec(authorization)?.[1];
  if (token === undefined)
    return refusal('MILLRACE_ADMIN_UNAUTHENTICATED', 'the authorization is no bearer token');
  for (const recognizer of recognizers) {
    const recognition = await recognizer.recognize(token);
    if (recognition.kind === 'caller') return recognition;
    if (recognition.kind === 'refused') return refusal('MILLRACE_ADMIN_UNAUTHENTICATED', recognition.why);
  }
  return refusal('MILLRACE_ADMIN_UNAUTHENTICATED', 'nobody here knows the bearer token');
}

function refusal(code: keyof typeof statuses, why: string): Admission {
  return { kind: 'refused', status: statuses[code], code, why };
}

const statuses = {
  MILLRACE_ADMIN_UNAUTHENTICATED: 401,
  MILLRACE_ADMIN_FORBIDDEN: 403,
  MILLRACE_ACCESS_UNKNOWN: 503,
} as const;

/** Browsers say so of what pages of others ask for; a token is never theirs to send, and nothing else is needed to be sure. */
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
