// One request to one endpoint: sent, then answered or given up within its timeout. Reports what happened, exactly once;
// `attempt-outcome.ts` decides what that means for the events.
import type { Dispatcher } from 'undici';

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** `failed`: no complete answer came. `unreachable`: nothing was sent, so the function cannot have seen the request. */
export type AttemptResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: AnswerHeaders;
      readonly body: Buffer | undefined;
    }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'unreachable'; readonly reason: string; readonly code?: string | undefined };

export interface AttemptRequest {
  readonly path: string;
  /** Flat: name, value, name, value, … */
  readonly headers: string[];
  readonly body: Buffer | null;
  /** Covers the time from sending to the last byte of the answer. */
  readonly timeoutMs: number;
  /** The answer's body is kept up to this many bytes. 0: the body is not needed, and is discarded as it arrives. */
  readonly maxAnswerBytes: number;
}

/** Errors of connections that were never established. */
const unreachableCodes = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'MILLRACE_ADDRESS_REFUSED',
  'MILLRACE_FUNCTION_TLS_FAILED',
]);

/** A body that is not needed is drained up to this many bytes; after that the connection is cut. */
const maxDrainedBytes = 1 << 20;

class Attempt implements Dispatcher.DispatchHandler {
  readonly #request: AttemptRequest;
  readonly #done: (result: AttemptResult) => void;
  #timer: NodeJS.Timeout | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: AnswerHeaders | undefined;
  #chunks: Buffer[] | undefined;
  #bytes = 0;
  #ended = false;

  constructor(request: AttemptRequest, done: (result: AttemptResult) => void) {
    this.#request = request;
    this.#done = done;
    this.#timer = setTimeout(Attempt.#expire, request.timeoutMs, this);
  }

  static #expire(this: void, attempt: Attempt): void {
    attempt.#timer = undefined;
    attempt.#giveUp();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended) controller.abort(new Error('given up before it was sent'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: AnswerHeaders,
  ): void {
    this.#status = statusCode;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    const { maxAnswerBytes } = this.#request;
    if (maxAnswerBytes > 0 && this.#bytes <= maxAnswerBytes) {
      (this.#chunks ??= []).push(chunk);
    } else if (this.#bytes > Math.max(maxAnswerBytes, maxDrainedBytes)) {
      // The status is known, so an endless body need not be read.
      this.#end(this.#answer());
      this.#controller?.abort(new Error('answer too long'));
    }
  }

  onResponseEnd(): void {
    this.#end(this.#answer());
  }

  onResponseError(
    _controller: Dispatcher.DispatchController | undefined,
    error: Error & { code?: string },
  ): void {
    const { code = '', message } = error;
    const reason = code === '' ? message : `${code}: ${message}`;
    this.#end(
      unreachableCodes.has(code) ? { kind: 'unreachable', reason, code } : { kind: 'failed', reason },
    );
  }

  /** A body over the limit is replaced by one of limit + 1 bytes, so that the reader sees that it was too large. */
  #answer(): AttemptResult {
    const { maxAnswerBytes } = this.#request;
    const tooLong = maxAnswerBytes > 0 && this.#bytes > maxAnswerBytes;
    const chunks = this.#chunks;
    const whole = chunks === undefined ? undefined : chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    const body = tooLong ? Buffer.alloc(maxAnswerBytes + 1) : whole;
    return { kind: 'answered', status: this.#status, headers: this.#headers ?? {}, body };
  }

  /** Without a controller the request still waits for its connection, so nothing was sent. */
  #giveUp(): void {
    const isSent = this.#controller !== undefined;
    const reason = `no ${isSent ? 'whole answer' : 'connection'} within ${this.#request.timeoutMs} ms`;
    this.#end({ kind: isSent ? 'failed' : 'unreachable', reason });
    this.#controller?.abort(new Error(reason));
  }

  #end(result: AttemptResult): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#done(result);
  }
}

/** Sends `request` through `dispatcher`. Calls `done` exactly once, possibly before this function returns. */
export function startAttempt(
  dispatcher: Dispatcher,
  request: AttemptRequest,
  done: (result: AttemptResult) => void,
): void {
  const { path, headers, body } = request;
  dispatcher.dispatch({ path, method: 'POST', headers, body }, new Attempt(request, done));
}
