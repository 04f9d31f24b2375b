// Holds records back while no endpoint is ready, and calls the scalers repeatedly meanwhile; or while the credentials for the function
// are missing, which ends without a call.
import type { ActivationCall } from '../../core/contract/activation-call.ts';
import type { FunctionAccess } from '../../core/contract/endpoint-source.ts';
import type { GatewayEmitter } from '../../core/contract/gateway-events.ts';
import type { Subscription } from '../../core/contract/subscription.ts';

export interface HoldsOptions {
  readonly subscription: Subscription;
  readonly activation: ActivationCall;
  readonly access: FunctionAccess | undefined;
  readonly events: GatewayEmitter;
}

/** While records are held, the scalers are called again after this time, in ms. */
const wakeAgainMs = 500;

export class Holds {
  readonly #options: HoldsOptions;
  readonly #onDue: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isOn = false;

  /** `onDue`: the owner should check again whether it can send, and call `hold` again if it cannot. */
  constructor(options: HoldsOptions, onDue: () => void) {
    this.#options = options;
    this.#onDue = onDue;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  hold(): void {
    const { subscription, activation } = this.#options;
    this.#begin(undefined);
    activation.wake(subscription);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#onDue();
    }, wakeAgainMs);
  }

  /** Holds and returns true while the credentials for the function are missing. Their source calls back when they are there. */
  holdForCredentials(): boolean {
    const missing = this.#options.access?.missing;
    if (missing !== undefined) this.#begin(missing);
    return missing !== undefined;
  }

  /** A request is about to be sent: the hold is over. */
  release(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    this.stop();
    this.#options.events.emit('released', this.#options.subscription);
  }

  #begin(missing: string | undefined): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#options.events.emit('held', this.#options.subscription, missing);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
