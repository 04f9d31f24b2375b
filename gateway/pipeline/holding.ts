// Records are kept back because no endpoint is ready; the scalers are told, again and again.
import type { EventEmitter } from 'node:events';
import type { ActivationCall, GatewayEvents } from '../contract/ports.ts';
import type { Subscription } from '../contract/subscription.ts';

export interface HoldingOptions {
  readonly subscription: Subscription;
  readonly activation: ActivationCall;
  readonly events: EventEmitter<GatewayEvents>;
}

/** While records are held, the scalers are told again after this time, in ms. */
const wakeAgainMs = 500;

export class Holding {
  readonly #options: HoldingOptions;
  readonly #onDue: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isOn = false;

  /** `onDue`: whoever holds should look again, and hold again if there is need. */
  constructor(options: HoldingOptions, onDue: () => void) {
    this.#options = options;
    this.#onDue = onDue;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  hold(): void {
    const { subscription, activation, events } = this.#options;
    if (!this.#isOn) {
      this.#isOn = true;
      events.emit('held', subscription);
    }
    activation.wake(subscription);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#onDue();
    }, wakeAgainMs);
  }

  /** An endpoint is ready. */
  release(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    this.stop();
    this.#options.events.emit('released', this.#options.subscription);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
