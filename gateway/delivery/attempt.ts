// One request to one endpoint: sent, answered or given up within its time. Says what happened, not what it means
// (`outcome-by-status.ts`), and always exactly once.
import type { Dispatcher } from 'undici';

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** `failed`: no whole answer came. `unreachable`: nothing was sent, so the function cannot have seen the request. */
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
  /** From sending to the last byte of the answer. */
  readonly timeoutMs: number;
  /** The answer's body is read up to this many bytes; 0: it is not wanted, and thrown away as it comes. */
  readonly maxAnswerBytes: number;
}

/** Errors of a connection that was never made. */
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

/** An unwanted body may be this long before the connection is cut instead of drained. */
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
    this.#timer = setTimeout(Attempt.#expireIfOld, request.timeoutMs, this);
  }

  static #expireIfOld(this: void, attempt: Attempt): void {
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
      // The function has spoken its status; what does not end is cut off.
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

  /** A body over the limit stands as a body one byte too long: whoever wants it sees that it is too large. */
  #answer(): AttemptResult {
    const { maxAnswerBytes } = this.#request;
    const tooLong = maxAnswerBytes > 0 && this.#bytes > maxAnswerBytes;
    const chunks = this.#chunks;
    const whole = chunks === undefined ? undefined : chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    const body = tooLong ? Buffer.alloc(maxAnswerBytes + 1) : whole;
    return { kind: 'answered', status: this.#status, headers: this.#headers ?? {}, body };
  }

  /** Without a controller the request still waits for its connection: nothing of it was sent. */
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

/** Sends `request` through `dispatcher`; `done` is called exactly once, possibly before this returns. */
export function startAttempt(
  dispatcher: Dispatcher,
  request: AttemptRequest,
  done: (result: AttemptResult) => void,
): void {
  const { path, headers, body } = request;
  dispatcher.dispatch({ path, method: 'POST', headers, body }, new Attempt(request, done));
}
