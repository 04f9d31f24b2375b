// One request to one endpoint: sent, then answered or given up within its timeout. Reports what certainly happened, exactly once;
// `attempt-outcome.ts` decides what that means for the events.
//
// A connection that the function closes while it is idle may close just when a request is under way to it. That request goes once more, on a
// new connection: it is the same attempt, and where there is no new connection, none was made.
import type { AnswerHead, AnswerHeaders } from '../http/answer-head.ts';
import { reasonOf, type Connection, type Exchange, type Failure } from '../http/connection.ts';
import type { Connections, Waiter } from '../http/connections.ts';
import { encodeRequest, type RequestBytes } from '../http/request-bytes.ts';

/**
 * - `answered`: status and headers came whole. Where the body did not, `cut` says why: then `body` is what is not known.
 * - `failed`: the request was sent, at least in part, and no whole head came: the function may have done its work.
 * - `unreachable`: nothing was sent, so the function cannot have seen the request; or no more than what came to an idle connection as the function
 *   closed it.
 */
export type AttemptResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: AnswerHeaders;
      readonly body: Buffer | undefined;
      readonly cut?: string | undefined;
    }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'unreachable'; readonly reason: string; readonly code?: string | undefined };

export interface AttemptRequest {
  readonly path: string;
  /** Flat: name, value, name, value, … */
  readonly headers: readonly string[];
  readonly body: Buffer | null;
  /** Covers the time from sending to the last byte of the answer. */
  readonly timeoutMs: number;
  /** The answer's body is kept up to this many bytes. 0: the body is not needed, and is discarded as it arrives. */
  readonly maxAnswerBytes: number;
}

/** A body that is not needed is drained up to this many bytes; after that the connection is cut. */
const maxDrainedBytes = 1 << 20;

class Attempt implements Exchange, Waiter {
  readonly #connections: Connections;
  readonly #request: AttemptRequest;
  readonly #bytes: RequestBytes;
  readonly #done: (result: AttemptResult) => void;
  readonly #timer: NodeJS.Timeout;
  #connection: Connection | undefined;
  #isSecondTry = false;
  #head: AnswerHead | undefined;
  /** What has come of a body that is needed, and maybe room for more. */
  #kept: Buffer | undefined;
  /** How much of the body has come. */
  #size = 0;
  #isEnded = false;

  constructor(
    connections: Connections,
    request: AttemptRequest,
    bytes: RequestBytes,
    done: (result: AttemptResult) => void,
  ) {
    this.#connections = connections;
    this.#request = request;
    this.#bytes = bytes;
    this.#done = done;
    this.#timer = setTimeout(Attempt.#expire, request.timeoutMs, this);
  }

  static #expire(this: void, attempt: Attempt): void {
    attempt.#giveUp();
  }

  onConnection(connection: Connection): void {
    this.#connection = connection;
    connection.send(this.#bytes, this);
  }

  onUnreachable(error: Error & { readonly code?: string }): void {
    this.#end({ kind: 'unreachable', reason: reasonOf(error), code: error.code });
  }

  onHead(head: AnswerHead): void {
    this.#head = head;
  }

  onBody(bytes: Buffer): void {
    const start = this.#size;
    this.#size += bytes.length;
    const { maxAnswerBytes } = this.#request;
    if (maxAnswerBytes > 0 && this.#size <= maxAnswerBytes) {
      this.#keep(bytes, start);
    } else if (this.#size > Math.max(maxAnswerBytes, maxDrainedBytes)) {
      // The status is known, so an endless body need not be read.
      this.#connection?.close();
      this.#end(this.#answer(undefined));
    }
  }

  onEnd(): void {
    this.#end(this.#answer(undefined));
  }

  onFailure({ reason, isSentWhole, isStale }: Failure): void {
    if (this.#head !== undefined) return this.#end(this.#answer(reason));
    if (isStale && !this.#isSecondTry) {
      this.#isSecondTry = true;
      this.#connection = undefined;
      return this.#connections.acquire(this, 'new');
    }
    this.#end({
      kind: 'failed',
      reason: isSentWhole ? reason : `${reason}, before the request was sent whole`,
    });
  }

  /** A body over the limit is replaced by one of limit + 1 bytes, so that the reader sees that it was too large. */
  #answer(cut: string | undefined): AttemptResult {
    const { maxAnswerBytes } = this.#request;
    const { status, headers } = this.#head as AnswerHead;
    const isTooLong = maxAnswerBytes > 0 && this.#size > maxAnswerBytes;
    const body = isTooLong ? Buffer.alloc(maxAnswerBytes + 1) : this.#kept?.subarray(0, this.#size);
    return { kind: 'answered', status, headers, body, cut };
  }

  /** In one buffer, because a body may come in single bytes. */
  #keep(bytes: Buffer, start: number): void {
    let kept = this.#kept;
    if (kept === undefined) {
      this.#kept = Buffer.from(bytes);
      return;
    }
    if (kept.length < this.#size) {
      const larger = Buffer.allocUnsafe(Math.max(this.#size, kept.length * 2));
      kept.copy(larger, 0, 0, start);
      this.#kept = kept = larger;
    }
    bytes.copy(kept, start);
  }

  #giveUp(): void {
    const { timeoutMs } = this.#request;
    if (this.#connection !== undefined)
      return this.#connection.fail(`no whole answer within ${timeoutMs} ms`);
    this.#connections.leave(this);
    this.onUnreachable(new Error(`no connection within ${timeoutMs} ms`));
  }

  #end(result: AttemptResult): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#timer);
    this.#done(result);
  }
}

/** Sends `request` by one of `connections`. Calls `done` exactly once, possibly before this function returns. */
export function startAttempt(
  connections: Connections,
  request: AttemptRequest,
  done: (result: AttemptResult) => void,
): void {
  let bytes: RequestBytes;
  try {
    bytes = encodeRequest(connections.prefixOf(request.path), request.headers, request.body);
  } catch (error) {
    done({ kind: 'failed', reason: reasonOf(error as Error) });
    return;
  }
  connections.acquire(new Attempt(connections, request, bytes, done));
}
