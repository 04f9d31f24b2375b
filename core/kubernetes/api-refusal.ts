// Turns an error answer of the API server into one of our errors, whose message names the request and what is missing. Pure.
import { MillraceError, type ErrorCode } from '../contract/errors.ts';

/** What was requested, in the words of RBAC. `verb`: `get`, `list`, `watch`, `create`, `update`, `patch` or `delete`. */
export interface Asked {
  readonly verb: string;
  /** `triggers.millrace.dev in the namespace geo`. */
  readonly what: string;
}

/** https://kubernetes.io/docs/reference/kubernetes-api/definitions/status-v1-meta/ */
interface Status {
  readonly message?: string;
}

/** `body` is the text of the answer: a Status from the API server itself, or anything from a proxy. */
export function readRefusal(status: number, body: string, { verb, what }: Asked): MillraceError {
  const { message } = parseStatus(body);
  const said = message ?? (body.trim().slice(0, 200) || 'no reason given');
  return new MillraceError(codeOf(status), `${sentence(status, verb, what)}: ${said}`);
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
