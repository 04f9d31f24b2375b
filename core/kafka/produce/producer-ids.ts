// The producer id that idempotent batches carry: asked for when the first is sent, and anew when a partition has lost it, or when it is not
// known what a partition has of it.
import type { Connections } from '../connection/broker-connections.ts';
import { answerFailure } from './answer-failure.ts';
import { initProducerIdRequest, type ProducerId } from './produce-requests.ts';

/** Connecting included, in ms. */
const limitMs = 15_000;

export class ProducerIds {
  readonly #connections: Connections;
  #asked: Promise<ProducerId> | undefined;
  #current: ProducerId | undefined;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** Rejects where no broker gives one. */
  async current(): Promise<ProducerId> {
    if (this.#current !== undefined) return this.#current;
    this.#asked ??= this.#ask().finally(() => (this.#asked = undefined));
    return this.#asked;
  }

  /** `producer` is not to be used for anything new. */
  giveUp(producer: ProducerId): void {
    if (this.#current === producer) this.#current = undefined;
  }

  /** Whatever is new gets another one. */
  renew(): void {
    this.#current = undefined;
  }

  /** Whether it may be used for something new. */
  isCurrent(producer: ProducerId): boolean {
    return this.#current === producer;
  }

  async #ask(): Promise<ProducerId> {
    // Without a transactional id, the timeout has no meaning.
    const request = initProducerIdRequest(null, 0);
    const { errorCode, id, epoch } = await this.#connections.sendToAny(request, performance.now() + limitMs);
    const failure = answerFailure(errorCode, 'give a producer id');
    if (failure !== undefined) throw failure;
    this.#current = { id, epoch };
    return this.#current;
  }
}
