// Connections to the brokers of one cluster: for each lane to a broker its own, so that what a broker answers at once never waits for what it may
// hold back.
import { MillraceError } from '../../contract/errors.ts';
import { addressText, hostAndPort } from './broker-address.ts';
import { BrokerConnection, closedError, type BrokerLink, type Probing } from './broker-connection.ts';
import { connectTimeoutMs as usualConnectMs, type ConnectionSettings } from './connection-settings.ts';
import { firstAnswer } from './first-answer.ts';
import { explainRefusal } from './security/security-errors.ts';
import { WaitingConnections } from './waiting-connections.ts';
import type { BrokerAddress, KafkaRequest, Lane } from '../protocol/wire-requests.ts';

export interface Connections {
  /**
   * Sends to any broker: one that is connected, best one that owes no other answer, else the bootstrap servers in turn. Where one is slow, others
   * are asked beside it: the request must do no harm twice.
   */
  sendToAny<T>(request: KafkaRequest<T>, deadlineMs: number): Promise<T>;
  sendTo<T>(broker: BrokerAddress, request: KafkaRequest<T>, deadlineMs: number): Promise<T>;
  /** What a request or a connection under way waits for; undefined where there is none. */
  waitsFor(): string | undefined;
  /** Tries at once to reach the brokers that are away. */
  probeNow(): void;
  close(): Promise<void>;
}

export interface ConnectionsOptions {
  /** Its `brokers` are the bootstrap servers. Its security must outlive the connections. */
  readonly settings: ConnectionSettings;
  /** Milliseconds that a broker has to answer one request. */
  readonly requestTimeoutMs: number;
  /** Milliseconds to connect, do TLS and authenticate; 10,000 when absent. */
  readonly connectTimeoutMs?: number | undefined;
  /** Whether brokers that are away are left alone for a while. Absent: each request tries again. */
  readonly probing?: Probing | undefined;
  /** A broker that was away is connected again. */
  readonly onRecovered?: (() => void) | undefined;
  readonly onRequest?: ((apiName: string) => void) | undefined;
}

/** Milliseconds without a request after which a connection ends: before brokers (`connections.max.idle.ms`) and firewalls do it, unseen. */
const idleMs = { waiting: 10_000, others: 180_000 };
/** Where any broker may answer, another one is asked after so long without an answer, in ms. */
const hangMs = 1_000;
/** How many requests may wait at one broker for other members at the same time; each has a connection. */
const mostWaiting = 64;

/**
 * Deadlines are in milliseconds of `performance.now()`. Requests reject with MILLRACE_KAFKA_UNREACHABLE where no broker answers in time,
 * MILLRACE_KAFKA_UNSUPPORTED where one is too old or too new, and with why one refuses.
 */
export function createConnections(options: ConnectionsOptions): Connections {
  return new BrokerConnections(options);
}

interface LaneLink {
  readonly lane: Lane;
  readonly link: BrokerLink;
}

class BrokerConnections implements Connections {
  readonly #options: ConnectionsOptions;
  /** By address and lane. */
  readonly #links = new Map<string, LaneLink>();
  readonly #stopRenewals: (() => void) | undefined;
  /** Of the bootstrap server whose turn it is. */
  #turn = 0;
  #closed = false;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#stopRenewals = options.settings.security?.credentials.onRenewed(() => {
      for (const { link } of this.#links.values()) link.retire();
    });
  }

  async sendToAny<T>(request: KafkaRequest<T>, deadlineMs: number): Promise<T> {
    let refused: MillraceError | undefined;
    const ways = this.#ways(request.lane ?? 'control').map(
      (link) => async () => link().send(request, deadlineMs),
    );
    const isFinal = (error: unknown): boolean => {
      const refusal = explainRefusal(error);
      // Of one server at that; the others of its cluster may be open to us.
      const isOfOne = refusal?.code === 'MILLRACE_ADDRESS_REFUSED';
      if (isOfOne) refused ??= refusal;
      return refusal !== undefined && !isOfOne;
    };
    try {
      return await firstAnswer(ways, { patienceMs: hangMs, deadlineMs, isFinal });
    } catch (error) {
      const refusal = explainRefusal(error) ?? refused;
      if (refusal !== undefined) throw refusal;
      throw new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'No broker answers', { cause: error });
    }
  }

  async sendTo<T>({ host, port }: BrokerAddress, request: KafkaRequest<T>, deadlineMs: number): Promise<T> {
    try {
      return await this.#linkTo(host, port, request.lane ?? 'control').send(request, deadlineMs);
    } catch (error) {
      const refusal = explainRefusal(error);
      if (refusal !== undefined) throw refusal;
      const message = `Broker ${addressText({ host, port })} does not answer`;
      throw new MillraceError('MILLRACE_KAFKA_UNREACHABLE', message, { cause: error });
    }
  }

  waitsFor(): string | undefined {
    for (const { link } of this.#links.values()) {
      const { waitsFor } = link;
      if (waitsFor !== undefined) return waitsFor;
    }
    return undefined;
  }

  probeNow(): void {
    for (const { link } of this.#links.values()) link.probeNow();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopRenewals?.();
    const open = [...this.#links.values()];
    this.#links.clear();
    await Promise.all(open.map(({ link }) => link.close()));
  }

  /** Those that are connected, then each bootstrap server once, from that on whose turn it is. */
  #ways(lane: Lane): (() => BrokerLink)[] {
    const open = [...this.#links]
      .filter(([, one]) => one.lane === lane && one.link.isConnected)
      .sort(([, a], [, b]) => Number(a.link.waitsFor !== undefined) - Number(b.link.waitsFor !== undefined));
    const asked = new Set(open.map(([key]) => key));
    const { brokers } = this.#options.settings;
    const first = this.#turn % brokers.length;
    this.#turn += 1;
    const seeds = [...brokers.slice(first), ...brokers.slice(0, first)]
      .map(hostAndPort)
      .filter(({ host, port }) => !asked.has(keyOf(host, port, lane)));
    return [
      ...open.map(
        ([, { link }]) =>
          () =>
            link,
      ),
      ...seeds.map(
        ({ host, port }) =>
          () =>
            this.#linkTo(host, port, lane),
      ),
    ];
  }

  #linkTo(host: string, port: number, lane: Lane): BrokerLink {
    if (this.#closed) throw closedError();
    const key = keyOf(host, port, lane);
    const known = this.#links.get(key);
    if (known !== undefined) return known.link;
    this.#dropForgotten();
    const {
      settings,
      requestTimeoutMs,
      connectTimeoutMs = usualConnectMs,
      probing,
      onRequest,
    } = this.#options;
    const options = {
      ...{ host, port, settings, connectTimeoutMs, requestTimeoutMs, probing, onRequest },
      idleMs: lane === 'waiting' ? idleMs.waiting : idleMs.others,
      onRecovered: () => this.#options.onRecovered?.(),
      onAbandoned: () => {
        if (lane !== 'waiting' && this.#links.get(key)?.link === link) this.#links.delete(key);
      },
    };
    const link: BrokerLink =
      lane === 'waiting'
        ? new WaitingConnections({ ...options, most: mostWaiting })
        : new BrokerConnection(options);
    this.#links.set(key, { lane, link });
    return link;
  }

  /** A cluster may replace its brokers again and again. */
  #dropForgotten(): void {
    for (const [key, { link }] of this.#links) {
      if (!link.isForgotten) continue;
      this.#links.delete(key);
      void link.close();
    }
  }
}

function keyOf(host: string, port: number, lane: Lane): string {
  return `${addressText({ host, port })} ${lane}`;
}
