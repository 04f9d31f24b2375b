// Sends requests to the API server: JSON in both directions, or a stream of lines. Each waits its turn, has a time limit, is sent again where
// the API server asks for patience, and fails with our errors.
import { setTimeout as delay } from 'node:timers/promises';
import { request, type Dispatcher } from 'undici';
import { MillraceError } from '../contract/errors.ts';
import { parseRetryAfter } from '../network/retry-after.ts';
import { eventKind, leaseKind, subjectAccessReviewKind, tokenReviewKind } from '../resources/kinds.ts';
import type { Connection } from './api-connection.ts';
import { ApiRefusal, readRefusal, type Asked } from './api-refusal.ts';
import { backoffMs } from './backoff.ts';
import { describePlace, resourcePath, type Place } from './resource-paths.ts';

/** The API server gives up a write after 34 s. Whoever waits that long for the renewal of a Lease has lost it. */
const requestLimitMs = 10_000;

export interface Call {
  /** The verb as RBAC names it. */
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';
  readonly place: Place;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
}

const methods = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
} as const;

/**
 * Requests that do not wait for their turn: a Lease that is renewed too late is lost, and a person waits for a review. The number of reviews in
 * flight is limited where they are made.
 */
const urgentKinds = [leaseKind, tokenReviewKind, subjectAccessReviewKind];
/** Requests that wait for all others: nothing depends on an Event. */
const backgroundKinds = [eventKind];

/** A call as it goes over the wire. */
interface Wire {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly asked: Asked;
  /** For the count of requests. */
  readonly plural: string;
  readonly isUrgent: boolean;
  readonly isBackground: boolean;
  readonly query?: Call['query'];
  readonly body?: unknown;
  readonly contentType?: string | undefined;
}

export class Requests {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Returns the parsed answer. Rejects as KubernetesClient (contract/kubernetes-client.ts) says, and if `signal` aborts. */
  async send(call: Call, signal?: AbortSignal): Promise<unknown> {
    return this.#ask(wireOf(call), signal);
  }

  /** Reads a path that is not a resource, such as the list of served kinds. */
  async read(path: string): Promise<unknown> {
    const asked = { verb: 'get', what: path };
    return this.#ask({
      method: 'GET',
      path,
      asked,
      plural: 'discovery',
      isUrgent: false,
      isBackground: false,
    });
  }

  /**
   * Opens a stream, which lasts until the API server ends it or `signal` aborts. The time limit is only for its start, which is not repeated:
   * whoever keeps the stream alive decides about that.
   */
  async stream(call: Call, signal: AbortSignal): Promise<Dispatcher.ResponseData['body']> {
    const wire = wireOf(call);
    const start = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    try {
      await this.#connection.limiter.pass(signal);
      timer = setTimeout(() => start.abort(), requestLimitMs);
      return (await this.#open(wire, AbortSignal.any([signal, start.signal]))).body;
    } catch (error) {
      throw coded(error, wire.asked);
    } finally {
      clearTimeout(timer);
    }
  }

  async #ask(wire: Wire, signal?: AbortSignal): Promise<unknown> {
    try {
      if (!wire.isUrgent) await this.#connection.limiter.pass(signal, wire.isBackground);
      const untilMs = performance.now() + requestLimitMs;
      const limit = AbortSignal.timeout(requestLimitMs);
      const either = signal === undefined ? limit : AbortSignal.any([limit, signal]);
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await (await this.#open(wire, either)).body.json();
        } catch (error) {
          const waitMs = retryDelayMs(error, wire, attempt);
          if (waitMs === undefined || performance.now() + waitMs >= untilMs) throw error;
          await delay(waitMs, undefined, { signal: either });
          if (!wire.isUrgent) await this.#connection.limiter.pass(either, wire.isBackground);
        }
      }
    } catch (error) {
      throw coded(error, wire.asked);
    }
  }

  /** Rejects with an ApiRefusal unless the answer is a success. */
  async #open(wire: Wire, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const startMs = performance.now();
    const count = (status: number | undefined): void => {
      const seconds = (performance.now() - startMs) / 1_000;
      this.#connection.onRequest?.({ verb: wire.asked.verb, plural: wire.plural, status, seconds });
    };
    const response = await this.#dispatch(wire, signal).catch((error: unknown) => {
      count(undefined);
      throw error;
    });
    const { statusCode, headers, body } = response;
    count(statusCode);
    if (statusCode >= 200 && statusCode < 300) return response;
    const retryAfter = [headers['retry-after']].flat()[0];
    throw readRefusal(statusCode, await body.text(), wire.asked, parseRetryAfter(retryAfter, Date.now()));
  }

  async #dispatch(wire: Wire, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { method, path, query = {}, body, contentType = 'application/json' } = wire;
    const { headers, dispatcher } = await this.#connection.authorize();
    const url = new URL(this.#connection.url + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return request(url, {
      method,
      headers: {
        ...headers,
        accept: 'application/json',
        'user-agent': 'millrace',
        ...(body === undefined ? {} : { 'content-type': contentType }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      dispatcher,
      signal,
    });
  }
}

/** After 429 nothing was done. After 503 nobody knows, so only what reads is sent again. Undefined: not at all. */
function retryDelayMs(error: unknown, { method }: Wire, attempt: number): number | undefined {
  if (!(error instanceof ApiRefusal)) return undefined;
  const { status, retryAfterMs = 0 } = error;
  if (status !== 429 && !(status === 503 && method === 'GET')) return undefined;
  return Math.max(retryAfterMs, backoffMs(attempt));
}

function wireOf({ verb, place, query, body, contentType }: Call): Wire {
  const { plural, subresource } = place;
  return {
    method: methods[verb],
    path: resourcePath(place),
    asked: { verb, what: describePlace(place) },
    plural: subresource === undefined ? plural : `${plural}/${subresource}`,
    isUrgent: urgentKinds.some((kind) => kind.plural === plural),
    isBackground: backgroundKinds.some((kind) => kind.plural === plural),
    query,
    body,
    contentType,
  };
}

function coded(error: unknown, { verb, what }: Asked): MillraceError {
  if (error instanceof MillraceError && error.code.startsWith('MILLRACE_KUBERNETES_')) return error;
  return new MillraceError('MILLRACE_KUBERNETES_UNREACHABLE', `no answer to ${verb} ${what}`, {
    cause: error,
  });
}
