// Sends requests to the API server: JSON in both directions, or a stream of lines. Each has a time limit, and fails with our errors.
import { request, type Dispatcher } from 'undici';
import { MillraceError } from '../contract/errors.ts';
import type { Connection } from './api-connection.ts';
import { describePlace, resourcePath, type Place } from './resource-paths.ts';
import { readRefusal, type Asked } from './api-refusal.ts';

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

/** A call as it goes over the wire. */
interface Wire {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
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
    return this.#ask(wireOf(call), askedOf(call), signal);
  }

  /** Reads a path that is not a resource, such as the list of served kinds. */
  async read(path: string): Promise<unknown> {
    return this.#ask({ method: 'GET', path }, { verb: 'get', what: path });
  }

  /** Opens a stream, which lasts until the API server ends it or `signal` aborts. The time limit is only for its start. */
  async stream(call: Call, signal: AbortSignal): Promise<Dispatcher.ResponseData['body']> {
    const start = new AbortController();
    const timer = setTimeout(() => start.abort(), requestLimitMs);
    try {
      const either = AbortSignal.any([signal, start.signal]);
      const { statusCode, body } = await this.#open(wireOf(call), either);
      if (statusCode === 200) return body;
      throw readRefusal(statusCode, await body.text(), askedOf(call));
    } catch (error) {
      throw coded(error, askedOf(call));
    } finally {
      clearTimeout(timer);
    }
  }

  async #ask(wire: Wire, asked: Asked, signal?: AbortSignal): Promise<unknown> {
    try {
      const limit = AbortSignal.timeout(requestLimitMs);
      const either = signal === undefined ? limit : AbortSignal.any([limit, signal]);
      const { statusCode, body } = await this.#open(wire, either);
      if (statusCode >= 200 && statusCode < 300) return await body.json();
      throw readRefusal(statusCode, await body.text(), asked);
    } catch (error) {
      throw coded(error, asked);
    }
  }

  async #open(wire: Wire, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
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

function wireOf({ verb, place, query, body, contentType }: Call): Wire {
  return { method: methods[verb], path: resourcePath(place), query, body, contentType };
}

function askedOf({ verb, place }: Call): Asked {
  return { verb, what: describePlace(place) };
}

function coded(error: unknown, { verb, what }: Asked): MillraceError {
  if (error instanceof MillraceError) return error;
  return new MillraceError('MILLRACE_KUBERNETES_UNREACHABLE', `no answer to ${verb} ${what}`, {
    cause: error,
  });
}
