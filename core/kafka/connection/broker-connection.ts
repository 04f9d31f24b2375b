// The connection to one broker. Connecting (TCP, TLS, SASL) and asking have limits of their own, and a connection that failed once is thrown
// away, so that the next one starts afresh. With `probing`, nobody waits for a broker that is known to be away:
//
//   in use ──cannot be connected to, or does not answer in time──► away: every request fails at once, with the cause
//      ▲                                                             │ after a pause that doubles
//      └────────────────────────── connected ◄───────────────────────┘ the connection itself tries, no request does
import { MillraceError } from '../../contract/errors.ts';
import { addressText } from './broker-address.ts';
import type { ConnectionSettings } from './connection-settings.ts';
import { inTime, LateError } from './late-error.ts';
import { BrokerSocket } from './socket/broker-socket.ts';
import { within } from './within.ts';
import type { KafkaRequest } from '../protocol/wire-requests.ts';

/** Pauses between two tries to reach a broker that is away, in ms: doubled each time, and half of each is random. */
export interface Probing {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** What requests of one lane to one broker go through. */
export interface BrokerLink {
  readonly isConnected: boolean;
  /** Nobody has asked for it for long, and nothing is open. */
  readonly isForgotten: boolean;
  /** What the oldest of those who wait waits for; undefined where nobody does. */
  readonly waitsFor: string | undefined;
  /** `deadlineMs`: of `performance.now()`. Connecting goes on after it, for whoever comes next. */
  send<T>(request: KafkaRequest<T>, deadlineMs: number): Promise<T>;
  /** Tries at once to reach a broker that is away. */
  probeNow(): void;
  /** What is open takes no more requests, and ends when nothing is under way on it; what asks next opens a new connection. */
  retire(): void;
  close(): Promise<void>;
}

export interface BrokerConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly settings: ConnectionSettings;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** Milliseconds without a request after which an open connection ends. */
  readonly idleMs: number;
  /** Absent: each request tries to connect, however often that has failed. */
  readonly probing?: Probing | undefined;
  /** It was away, and is connected again. */
  readonly onRecovered: () => void;
  /** It is away, and nothing here tries to reach it: there is no use in keeping this. */
  readonly onAbandoned: () => void;
  readonly onRequest?: ((apiName: string) => void) | undefined;
}

/** A broker that is away is given up when nobody has asked for it for so long, in ms: its cluster may have replaced it. */
const abandonMs = 60_000;
/** Whoever still waits for an answer is not waited for longer than this, in ms, when all is closed. */
const closeMs = 500;

interface Failure {
  readonly error: unknown;
  /** In a row. */
  readonly count: number;
  readonly timer: NodeJS.Timeout;
}

export class BrokerConnection implements BrokerLink {
  readonly #options: BrokerConnectionOptions;
  /** Requests and connects under way → what they wait for. */
  readonly #waiting = new Set<() => string>();
  /** All that are not closed: the last one, and those that are retired. */
  readonly #sockets = new Set<BrokerSocket>();
  #socket: BrokerSocket | undefined;
  #connecting: Promise<void> | undefined;
  #failure: Failure | undefined;
  #askedMs = performance.now();
  #isClosed = false;

  constructor(options: BrokerConnectionOptions) {
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#socket?.isOpen === true;
  }

  get isForgotten(): boolean {
    return (
      this.#sockets.size === 0 &&
      this.#connecting === undefined &&
      performance.now() - this.#askedMs > abandonMs
    );
  }

  get waitsFor(): string | undefined {
    const [oldest] = this.#waiting;
    return oldest?.();
  }

  async send<T>(request: KafkaRequest<T>, deadlineMs: number): Promise<T> {
    if (this.#isClosed) throw closedError();
    this.#askedMs = performance.now();
    if (this.#failure !== undefined) throw this.#failure.error;
    const socket = await this.#connected(deadlineMs);
    const known = socket.supported(request);
    const { requestTimeoutMs, onRequest } = this.#options;
    onRequest?.(request.apiName);
    const dueMs = requestTimeoutMs + (request.heldMs ?? 0);
    const answer = socket.exchange(known, dueMs);
    answer.catch((error: unknown) => {
      if (error instanceof LateError) this.#failed(error);
    });
    // A broker that had less time than it is due is not away, and goes on with what others ask.
    const leftMs = deadlineMs - performance.now();
    const stage = `connected to ${addressText(this.#options)}, but no answer to ${request.apiName}`;
    return this.#within(answer, leftMs < dueMs ? leftMs : Infinity, () => stage);
  }

  probeNow(): void {
    if (this.#failure === undefined) return;
    clearTimeout(this.#failure.timer);
    this.#probe();
  }

  retire(): void {
    this.#socket?.retire();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#failure?.timer);
    const open = [...this.#sockets];
    for (const socket of open) socket.retire();
    const closed = Promise.all(open.map((socket) => socket.closed));
    await within(closeMs, closed);
    for (const socket of open) socket.destroy(closedError());
    await closed;
  }

  async #connected(deadlineMs: number): Promise<BrokerSocket> {
    for (;;) {
      if (this.#isClosed) throw closedError();
      if (this.#socket?.isOpen === true) return this.#socket;
      const connected = this.#connectOnce();
      await this.#within(connected, deadlineMs - performance.now(), () => this.#stage());
    }
  }

  #connectOnce(): Promise<void> {
    return (this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined)));
  }

  #stage(): string {
    return this.#socket?.stage ?? `no connection to ${addressText(this.#options)}`;
  }

  async #connect(): Promise<void> {
    const { host, port, settings, idleMs, connectTimeoutMs } = this.#options;
    const socket = new BrokerSocket({ host, port, settings, idleMs });
    this.#socket?.retire();
    this.#socket = socket;
    this.#sockets.add(socket);
    void socket.closed.then(() => this.#sockets.delete(socket));
    try {
      await this.#within(socket.connect(), connectTimeoutMs, () => socket.stage);
      if (this.#isClosed) throw closedError();
    } catch (error) {
      socket.destroy(error as Error);
      // By credentials that are in use no more: whoever asks connects by the new ones.
      if (socket.isRetired && !this.#isClosed) return;
      this.#failed(error);
      throw error;
    }
    if (this.#failure !== undefined) {
      this.#failure = undefined;
      this.#options.onRecovered();
    }
  }

  #failed(error: unknown): void {
    const { probing, onAbandoned } = this.#options;
    if (this.#isClosed) return;
    clearTimeout(this.#failure?.timer);
    if (probing === undefined || performance.now() - this.#askedMs > abandonMs) {
      this.#failure = undefined;
      onAbandoned();
      return;
    }
    const count = (this.#failure?.count ?? 0) + 1;
    const pauseMs = Math.min(probing.mostMs, probing.firstMs * 2 ** (count - 1));
    const timer = setTimeout(() => this.#probe(), pauseMs * (0.5 + Math.random() / 2)).unref();
    this.#failure = { error, count, timer };
  }

  #probe(): void {
    this.#connectOnce().catch(() => undefined);
  }

  async #within<T>(work: Promise<T>, limitMs: number, stage: () => string): Promise<T> {
    this.#waiting.add(stage);
    try {
      return await inTime(work, limitMs, stage);
    } finally {
      this.#waiting.delete(stage);
    }
  }
}

export function closedError(): MillraceError {
  return new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'The connections to Kafka are closed');
}
