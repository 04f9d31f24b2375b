// One connection to one broker: TCP or TLS, the versions that the broker knows, SASL; then requests, which are written at once and answered one
// after the other. What comes and is not the answer that is due ends the connection.
//
//   connect ──ApiVersions, SASL──► open ──retire: credentials renewed, session nearly over, idle──► retired ──nothing under way──► closed
//                                    └────────an error, no answer in time, the broker ends it────────────────────────────────────────┘
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { MillraceError } from '../../../contract/errors.ts';
import { addressText } from '../broker-address.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { KafkaError } from '../../protocol/kafka-error.ts';
import { foreverMs, LateError } from '../late-error.ts';
import { WireReader } from '../../protocol/wire.ts';
import type { KafkaRequest } from '../../protocol/wire-requests.ts';
import { AnswerFrames, mostAnswerBytes } from './answer-frames.ts';
import {
  apiVersionsRequest,
  firstApiVersionsRequest,
  unsupportedVersion,
  type ApiVersions,
} from './api-versions.ts';
import { openSocket } from './open-socket.ts';
import { requestHead } from './request-head.ts';
import { saslAuthenticateRequest, saslHandshakeRequest } from './sasl-requests.ts';

export interface BrokerSocketOptions {
  readonly host: string;
  readonly port: number;
  readonly settings: Pick<ConnectionSettings, 'clientId' | 'security' | 'guard'>;
  /** Milliseconds without a request after which the connection ends. */
  readonly idleMs: number;
}

interface UnderWay {
  readonly correlationId: number;
  readonly answered: (body: Buffer) => void;
  readonly failed: (error: Error) => void;
}

/** So long, in ms, a retired connection may go on that still has something under way. */
const retireLimitMs = 30_000;
/** No answer is larger before the broker has shown who it is, and knows who we are. */
const mostGreetingBytes = 1_048_576;
/** Of the lifetime of a session: what asks later than that does so on the next connection (KIP-368). */
const sessionShare = 0.85;

export class BrokerSocket {
  /** Resolves when the connection is no more. */
  readonly closed: Promise<void>;
  readonly #options: BrokerSocketOptions;
  readonly #address: string;
  readonly #settleClosed: () => void;
  readonly #frames = new AnswerFrames(mostGreetingBytes);
  /** In the order in which they were written, which is that of their answers. */
  readonly #underWay: UnderWay[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #socket: Socket | undefined;
  #isSecured = false;
  #versions: ApiVersions | undefined;
  #idle: NodeJS.Timeout | undefined;
  #isConnected = false;
  #isRetired = false;
  #error: Error | undefined;
  #correlationId = 0;

  constructor(options: BrokerSocketOptions) {
    this.#options = options;
    this.#address = addressText(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    [this.closed, this.#settleClosed] = [promise, resolve];
  }

  /** It takes requests. */
  get isOpen(): boolean {
    return this.#isConnected && !this.#isRetired && this.#error === undefined;
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** How far connecting has come, for whoever asks why it takes so long. */
  get stage(): string {
    const socket = this.#socket;
    if (socket === undefined || socket.connecting) return `no connection to ${this.#address}`;
    if (!this.#isSecured) return `connected to ${this.#address}, but the TLS handshake has not ended`;
    const connected = `connected to ${this.#address}${socket instanceof TLSSocket ? ' by TLS' : ''}`;
    const sasl = this.#options.settings.security?.sasl;
    return this.#versions === undefined || sasl === undefined
      ? `${connected}, but no answer to ApiVersions`
      : `${connected}, but no answer to SASL ${sasl.mechanism.toUpperCase()}`;
  }

  /** Once. Rejects with why there is no connection. The caller sets the limit, and destroys it then. */
  async connect(): Promise<void> {
    try {
      await this.#openSocket();
      this.#versions = await this.#askVersions();
      const sessionMs = await this.#authenticate();
      this.#frames.mostBytes = mostAnswerBytes;
      this.#isConnected = true;
      if (sessionMs > 0) this.#after(sessionMs * sessionShare, () => this.retire());
      this.#idle = this.#after(this.#options.idleMs, () => {
        if (this.#underWay.length === 0) this.retire();
      });
    } catch (error) {
      this.destroy(error as Error);
      throw error;
    }
  }

  /** The request as the broker knows it. Throws MILLRACE_KAFKA_UNSUPPORTED where it knows none of its versions. */
  supported<T>(request: KafkaRequest<T>): KafkaRequest<T> {
    const { apiKey, apiVersion, apiName, since = '3.0', older } = request;
    const { least, most } = this.#versions?.get(apiKey) ?? { least: 0, most: -1 };
    if (apiVersion >= least && apiVersion <= most) return request;
    if (older !== undefined) return this.supported(older);
    const age = apiVersion > most ? `older than Kafka ${since}` : 'newer than Kafka 4.4';
    const message = `Broker ${this.#address} is ${age}: it has no ${apiName} v${apiVersion}`;
    throw new MillraceError('MILLRACE_KAFKA_UNSUPPORTED', message);
  }

  /** Of an open connection. Without an answer within `dueMs` the connection ends, and this rejects with LateError. */
  exchange<T>(request: KafkaRequest<T>, dueMs = Infinity): Promise<T> {
    const socket = this.#socket;
    if (socket === undefined || this.#error !== undefined)
      return Promise.reject(this.#error ?? new Error(`no connection to ${this.#address}`));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const body = request.encode();
    this.#correlationId = (this.#correlationId + 1) & 0x7fff_ffff;
    const correlationId = this.#correlationId;
    const timer = Number.isFinite(dueMs) ? this.#due(request, dueMs, reject) : undefined;
    this.#underWay.push({
      correlationId,
      answered: (bytes) => {
        this.#forget(timer);
        resolve(request.decode(new WireReader(bytes)));
      },
      failed: (error) => {
        this.#forget(timer);
        reject(error);
      },
    });
    // One write of the system for both, without a copy of the body.
    socket.cork();
    socket.write(requestHead(request, correlationId, this.#options.settings.clientId, body.length));
    socket.write(body);
    socket.uncork();
    return promise;
  }

  /** Takes no more requests, and ends when nothing is under way. While it still connects, it ends at once. */
  retire(): void {
    if (this.#isRetired || this.#error !== undefined) return;
    this.#isRetired = true;
    this.#after(retireLimitMs, () => this.#endRetired());
    if (!this.#isConnected || this.#underWay.length === 0) this.#endRetired();
  }

  /** What is under way rejects with why. */
  destroy(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const { failed } of this.#underWay.splice(0)) failed(error);
    if (this.#socket === undefined) this.#settleClosed();
    else this.#socket.destroy();
  }

  async #openSocket(): Promise<void> {
    const { host, port, settings } = this.#options;
    const { credentials } = settings.security ?? {};
    const connected = Promise.withResolvers<void>();
    const socket = openSocket({ host, port, credentials, guard: settings.guard }, connected.resolve);
    this.#socket = socket;
    socket.once('connect', () => (this.#isSecured ||= !(socket instanceof TLSSocket)));
    socket.once('secureConnect', () => (this.#isSecured = true));
    socket.on('error', (error) => this.destroy(this.#named(error)));
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    // Whoever ends its half answers nothing more.
    for (const event of ['end', 'close']) socket.once(event, () => this.destroy(this.#ended()));
    socket.once('close', () => {
      connected.reject(this.#error);
      this.#settleClosed();
    });
    await connected.promise;
  }

  #ended(): Error {
    const when = this.#isSecured ? '' : ' before the TLS handshake had ended: its listener may have no TLS';
    return new Error(`the broker ${this.#address} closed the connection${when}`);
  }

  /** The guard does not say who had the address. */
  #named(error: Error): Error {
    if (!(error instanceof MillraceError) || error.code !== 'MILLRACE_ADDRESS_REFUSED') return error;
    return new MillraceError(error.code, `the broker ${this.#address} is not connected to: ${error.message}`);
  }

  async #askVersions(): Promise<ApiVersions> {
    const told = await this.exchange(apiVersionsRequest);
    const { errorCode, versions } =
      told.errorCode === unsupportedVersion ? await this.exchange(firstApiVersionsRequest) : told;
    if (errorCode !== 0) throw new KafkaError(errorCode);
    return versions;
  }

  /** How long the session lasts, in ms; 0: as long as the connection. */
  async #authenticate(): Promise<number> {
    const sasl = this.#options.settings.security?.sasl;
    if (sasl === undefined) return 0;
    const mechanism = sasl.mechanism.toUpperCase();
    const refusal = await this.exchange(saslHandshakeRequest(mechanism));
    if (refusal !== 0) throw new KafkaError(refusal, `SASL ${mechanism}`);
    let sessionMs = 0;
    await sasl.authenticate(async (message) => {
      const answer = await this.exchange(saslAuthenticateRequest(mechanism, message));
      if (answer.errorCode !== 0) throw new KafkaError(answer.errorCode, answer.errorMessage);
      sessionMs = answer.sessionLifetimeMs;
      return answer.message;
    });
    return sessionMs;
  }

  #due(request: KafkaRequest<unknown>, dueMs: number, reject: (error: Error) => void): NodeJS.Timeout {
    return this.#after(dueMs, () => {
      const stage = `connected to ${this.#address}, but no answer to ${request.apiName}`;
      const late = new LateError(stage, dueMs);
      reject(late);
      this.destroy(new Error(`discarded: ${late.message}`));
    });
  }

  #read(chunk: Buffer): void {
    try {
      for (const answer of this.#frames.take(chunk)) {
        if (this.#error !== undefined) return;
        this.#answer(answer);
      }
    } catch (cause) {
      const message = `the broker ${this.#address} gives an answer that cannot be read`;
      this.destroy(new Error(message, { cause }));
    }
    if (this.#error !== undefined) return;
    if (this.#isRetired && this.#underWay.length === 0) this.#endRetired();
    else this.#idle?.refresh();
  }

  /** Throws where it is no answer to what was asked first. */
  #answer(answer: Buffer): void {
    const [first] = this.#underWay;
    const correlationId = answer.readInt32BE(0);
    if (first?.correlationId !== correlationId)
      throw new Error(`an answer to request ${correlationId}, not to ${first?.correlationId ?? 'none'}`);
    first.answered(answer.subarray(4));
    this.#underWay.shift();
  }

  #endRetired(): void {
    this.destroy(new Error(`the connection to ${this.#address} was due to end`));
  }

  /** Ends with the connection; alone it does not keep a process. */
  #after(ms: number, act: () => void): NodeJS.Timeout {
    const timer = setTimeout(act, Math.min(ms, foreverMs)).unref();
    this.#timers.add(timer);
    return timer;
  }

  #forget(timer: NodeJS.Timeout | undefined): void {
    if (timer === undefined) return;
    clearTimeout(timer);
    this.#timers.delete(timer);
  }
}
