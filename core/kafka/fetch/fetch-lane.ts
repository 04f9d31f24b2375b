// One way to a broker, on which one fetch is under way at a time: it waits as long as the broker throttles us, and says when an answer
// is overdue, long before the request is given up.
import { MillraceError } from '../../contract/errors.ts';
import { addressText } from '../connection/broker-address.ts';
import type { Connections } from '../connection/broker-connections.ts';
import type { BrokerAddress, Lane } from '../protocol/wire-requests.ts';
import { fetchRequest, type FetchAnswer, type FetchRequest } from './fetch-request.ts';

/** When the broker takes requests again, in ms of `performance.now()`: it throttles a client, not a connection. */
export interface Throttle {
  untilMs: number;
}

export interface FetchLaneOptions {
  readonly connections: Connections;
  readonly broker: BrokerAddress;
  readonly throttle: Throttle;
  readonly name: Exclude<Lane, 'control' | 'waiting' | 'produce'>;
  readonly rackId: string;
  /** Again and again, as long as it is overdue: whoever waits for the answer may look for it elsewhere. */
  readonly onOverdue: (error: MillraceError) => void;
}

/** An answer is overdue so long after the broker should have sent it, and said to be so again after so long, in ms. */
const overdueMs = { first: 3_000, again: 5_000, perPartition: 1 } as const;

export class FetchLane {
  readonly #options: FetchLaneOptions;
  #overdue: MillraceError | undefined;

  constructor(options: FetchLaneOptions) {
    this.#options = options;
  }

  /** Why nothing comes at present, as long as the request under way is overdue. */
  get overdue(): MillraceError | undefined {
    return this.#overdue;
  }

  async throttled(): Promise<void> {
    for (;;) {
      const waitMs = this.#options.throttle.untilMs - performance.now();
      if (waitMs <= 0) return;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  /** Rejects as `Connections.sendTo` does. */
  async send(request: Omit<FetchRequest, 'lane' | 'rackId'>): Promise<FetchAnswer> {
    const { connections, broker, throttle, name: lane, rackId, onOverdue } = this.#options;
    const say = (): void => {
      const message = `Broker ${addressText(broker)} does not answer a fetch in time`;
      this.#overdue = new MillraceError('MILLRACE_KAFKA_UNREACHABLE', message);
      timer = setTimeout(say, overdueMs.again);
      onOverdue(this.#overdue);
    };
    const dueMs = request.maxWaitMs + request.positions.length * overdueMs.perPartition;
    let timer = setTimeout(say, dueMs + overdueMs.first);
    try {
      const answer = await connections.sendTo(broker, fetchRequest({ ...request, lane, rackId }), Infinity);
      throttle.untilMs = Math.max(throttle.untilMs, performance.now() + answer.throttleMs);
      return answer;
    } finally {
      clearTimeout(timer);
      this.#overdue = undefined;
    }
  }
}
