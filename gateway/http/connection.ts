// One connection to a function: one request at a time, and what certainly happened to it.
//
// What is known of a request, in the order in which it becomes true:
//
//   not sent      there is no connection: the function cannot have seen it
//   sent in part  the system has not taken all bytes: the function cannot have seen the whole of it
//   sent          the system has taken all bytes, and no whole head came back: the function may have done its work
//   head          status and headers came whole, and the body did not
//   whole         the answer came whole
import type { Socket } from 'node:net';
import type { AnswerHead } from './answer-head.ts';
import type { RequestBytes } from './request-bytes.ts';
import { AnswerParser, type AnswerSink } from './answer-parser.ts';

export interface Failure {
  readonly reason: string;
  readonly isSentWhole: boolean;
  /**
   * The function closed a connection that had carried an answer before, at once, and not a byte of this one came: it closed the idle connection when
   * the request was under way to it, as RFC 9112, section 9.3.1 describes.
   */
  readonly isStale: boolean;
}

/** A request that waits for its answer. Either `onEnd` or `onFailure` is called, once, and nothing after it. */
export interface Exchange extends AnswerSink {
  /** The answer is whole. The connection is free again, or closed. */
  onEnd(): void;
  onFailure(failure: Failure): void;
}

/** A close that the function had begun before the request came to it arrives within this time, in ms. */
const staleWithinMs = 1_000;

export interface ConnectionOwner {
  /** `connection` can carry another request, and may stay idle for `idleMs`, where the function says so. */
  onIdle(connection: Connection, idleMs: number | undefined): void;
  /** `connection` is closed. */
  onGone(connection: Connection): void;
}

/** An error of a connection in words, after its code, where it has one. */
export function reasonOf({ code, message }: Error & { readonly code?: string }): string {
  return code === undefined ? message : `${code}: ${message}`;
}

export class Connection implements AnswerSink {
  /** When an idle connection is closed, in ms of `performance.now()`. Its owner sets it. */
  idleEndMs = 0;
  /** It carries no new request; the one under way may end. */
  isRetired = false;
  readonly #owner: ConnectionOwner;
  readonly #parser = new AnswerParser(this);
  #socket: Socket | undefined;
  #exchange: Exchange | undefined;
  #exchanges = 0;
  #sentMs = 0;
  #isWritten = false;
  #isGone = false;

  constructor(owner: ConnectionOwner) {
    this.#owner = owner;
  }

  /** The address of the function that it leads to. */
  get remoteAddress(): string | undefined {
    return this.#socket?.remoteAddress;
  }

  /** Takes over a socket whose bytes go to `read`. */
  open(socket: Socket): void {
    this.#socket = socket;
    socket.on('error', (error) => this.#fail(reasonOf(error), true));
    socket.on('end', () => this.#onEnd());
    socket.on('close', () => this.#fail('the function closed the connection', true));
  }

  /** Sends a request on an idle connection. Its bytes must not change until the exchange is over. */
  send(request: RequestBytes, exchange: Exchange): void {
    const socket = this.#socket as Socket;
    this.#exchange = exchange;
    this.#exchanges += 1;
    this.#sentMs = performance.now();
    this.#isWritten = false;
    this.#parser.reset();
    if (request.length === 1) {
      socket.write(request[0], this.#onWritten);
      return;
    }
    socket.cork();
    socket.write(request[0]);
    socket.write(request[1], this.#onWritten);
    socket.uncork();
  }

  /** Ends the exchange without a word to it, and closes the connection. */
  close(): void {
    this.#exchange = undefined;
    if (this.#isGone) return;
    this.#isGone = true;
    this.#socket?.destroy();
    this.#owner.onGone(this);
  }

  /** Ends the exchange as failed, and closes the connection. */
  fail(reason: string): void {
    this.#fail(reason, false);
  }

  readonly read = (bytes: Buffer): void => {
    // A function that speaks first, or after its answer, may mean anything by it.
    if (this.#exchange === undefined) return this.close();
    const progress = this.#parser.read(bytes);
    // Who has heard enough has closed the connection.
    if (this.#isGone) return;
    if (progress === 'whole') this.#finish();
    else if (progress !== 'open') this.#fail(`the answer cannot be read: ${progress.malformed}`, false);
  };

  onHead(head: AnswerHead): void {
    this.#exchange?.onHead(head);
  }

  onBody(bytes: Buffer): void {
    this.#exchange?.onBody(bytes);
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (error == null) this.#isWritten = true;
  };

  #onEnd(): void {
    if (this.#exchange !== undefined && this.#parser.end() === 'whole') this.#finish();
    else this.#fail('the function closed the connection', true);
  }

  #finish(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    // An answer that comes before the request has left is final, but the rest of the request would stand before the next one.
    const isFree = this.#parser.isReusable && !this.isRetired && this.#socket?.writableLength === 0;
    if (isFree) this.#owner.onIdle(this, this.#parser.head?.idleMs);
    else this.close();
    exchange?.onEnd();
  }

  #fail(reason: string, isClosed: boolean): void {
    const exchange = this.#exchange;
    const isAtOnce = isClosed && performance.now() < this.#sentMs + staleWithinMs;
    const isStale = isAtOnce && this.#exchanges > 1 && !this.#parser.hasBegun;
    this.close();
    exchange?.onFailure({ reason, isSentWhole: this.#isWritten, isStale });
  }
}
