// Turns an error answer of the API server into one of our errors, whose message names the request and what is missing. Pure.
import { MillraceError, type ErrorCode } from '../contract/errors.ts';

/** What was requested, in the words of RBAC. `verb`: `get`, `list`, `watch`, `create`, `update`, `patch` or `delete`. */
export interface Asked {
  readonly verb: string;
  /** `triggers.millrace.dev in the namespace geo`. */
  readonly what: string;
}

/** https://kubernetes.io/docs/reference/kubernetes-api/definitions/status-v1-meta/ */
export interface Status {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string }[] };
}

/** An error answer, with what decides on the next attempt. */
export class ApiRefusal extends MillraceError {
  /** Of HTTP. */
  readonly status: number;
  /** How long the API server asks us to wait, in ms. */
  readonly retryAfterMs: number | undefined;
  /** The API server has no such version of its state, or not any more. Only a new list helps. */
  readonly isExpired: boolean;

  constructor(status: Status & { readonly code: number }, asked: Asked, retryAfterMs?: number) {
    const { code, message } = status;
    super(codeOf(code), `${sentence(code, asked.verb, asked.what)}: ${message ?? 'no reason given'}`);
    this.status = code;
    this.retryAfterMs = retryAfterMs;
    this.isExpired = isExpired(status);
  }
}

/** `body` is the text of the answer: a Status from the API server itself, or anything from a proxy. */
export function readRefusal(status: number, body: string, asked: Asked, retryAfterMs?: number): ApiRefusal {
  const { message, ...said } = parseStatus(body);
  const text = message ?? (body.trim().slice(0, 200) || undefined);
  return new ApiRefusal(
    { ...said, code: status, ...(text === undefined ? {} : { message: text }) },
    asked,
    retryAfterMs,
  );
}

/** The error that an event of the type ERROR tells in the midst of a watch. */
export function readErrorEvent(status: Status, asked: Asked): ApiRefusal {
  return new ApiRefusal({ ...status, code: status.code ?? 500 }, asked);
}

/**
 * 410 says that the version is too old (reasons `Expired` and `Gone`). It is too large after etcd was restored from a backup: that never
 * passes by itself. https://kubernetes.io/docs/reference/using-api/api-concepts/#unavailable-resource-versions
 */
function isExpired({ code, reason, details }: Status): boolean {
  if (code === 410 || reason === 'Expired' || reason === 'Gone') return true;
  return details?.causes?.some((cause) => cause.reason === 'ResourceVersionTooLarge') === true;
}

function sentence(status: number, verb: string, what: string): string {
  if (status === 401) return `the API server does not accept the credentials to ${verb} ${what} (401)`;
  if (status === 403) return `the right to ${verb} ${what} is missing`;
  if (status === 404) return `the API server cannot ${verb} ${what}, which does not exist (404)`;
  return `the API server refuses to ${verb} ${what} (${status})`;
}

function codeOf(status: number): ErrorCode {
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return 'MILLRACE_KUBERNETES_INVALID';
    case 401:
    case 403:
      return 'MILLRACE_KUBERNETES_FORBIDDEN';
    case 404:
      return 'MILLRACE_KUBERNETES_MISSING';
    case 409:
      return 'MILLRACE_KUBERNETES_CONFLICT';
    default:
      return 'MILLRACE_KUBERNETES_FAILED';
  }
}

function parseStatus(body: string): Status {
  try {
    const status: unknown = JSON.parse(body);
    return typeof status === 'object' && status !== null ? status : {};
  } catch {
    return {};
  }
}
