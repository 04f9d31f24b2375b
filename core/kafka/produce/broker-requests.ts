// Batches on their way to brokers: those that are handed over while a request to their broker is under way leave together with the next one.
import { partitionName } from '../../contract/record.ts';
import { addressText } from '../connection/broker-address.ts';
import type { Connections } from '../connection/broker-connections.ts';
import type { BrokerAddress } from '../protocol/wire-requests.ts';
import { sleep } from '../connection/sleep.ts';
import { produceRequest, type PartitionAnswer, type PartitionBatch } from './produce-requests.ts';

/** Most bytes of one request, unless one batch is larger. */
const maxBytes = 4 * 2 ** 20;
/** How long a broker is left alone at most because it wants it, in ms. */
const longestThrottleMs = 30_000;

interface Waiting {
  readonly batch: PartitionBatch;
  readonly resolve: (answer: PartitionAnswer) => void;
  readonly reject: (error: unknown) => void;
}

export class BrokerRequests {
  readonly #connections: Connections;
  readonly #signal: AbortSignal;
  /** By address; only brokers that have something to do. */
  readonly #brokers = new Map<string, Waiting[]>();

  /** After the abort, brokers are not left alone any more. */
  constructor(connections: Connections, signal: AbortSignal) {
    this.#connections = connections;
    this.#signal = signal;
  }

  /** Of a partition, one at a time. Rejects where it is not known whether the broker has it. */
  send(broker: BrokerAddress, batch: PartitionBatch): Promise<PartitionAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<PartitionAnswer>();
    const address = addressText(broker);
    const waiting = this.#brokers.get(address);
    const one = { batch, resolve, reject };
    if (waiting !== undefined) waiting.push(one);
    else {
      this.#brokers.set(address, [one]);
      // What is handed over in this turn of the event loop shares the first request.
      setImmediate(() => void this.#sendAll(address, broker));
    }
    return promise;
  }

  async #sendAll(address: string, broker: BrokerAddress): Promise<void> {
    const waiting = this.#brokers.get(address) ?? [];
    while (waiting.length > 0) {
      const throttleMs = await this.#sendSome(broker, waiting.splice(0, countWithin(waiting)));
      if (throttleMs > 0) await sleep(Math.min(throttleMs, longestThrottleMs), this.#signal);
    }
    // In the same step as the last look.
    this.#brokers.delete(address);
  }

  /** Never rejects. */
  async #sendSome(broker: BrokerAddress, sent: readonly Waiting[]): Promise<number> {
    const request = produceRequest(
      sent.map(({ batch }) => batch),
      null,
    );
    try {
      const { partitions, throttleMs } = await this.#connections.sendTo(broker, request, Infinity);
      const answers = new Map(partitions.map((one) => [partitionName(one), one]));
      for (const { batch, resolve, reject } of sent) {
        const answer = answers.get(partitionName(batch));
        if (answer !== undefined) resolve(answer);
        else reject(new Error(`the broker does not say what became of ${partitionName(batch)}`));
      }
      return throttleMs;
    } catch (error) {
      for (const { reject } of sent) reject(error);
      return 0;
    }
  }
}

function countWithin(waiting: readonly Waiting[]): number {
  let bytes = 0;
  const end = waiting.findIndex(({ batch }, index) => {
    bytes += batch.bytes.length;
    return index > 0 && bytes > maxBytes;
  });
  return end === -1 ? waiting.length : end;
}
