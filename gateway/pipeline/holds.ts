// Records are kept back: because no endpoint is ready, which the scalers are told, again and again; or for want of what the function is to be
// shown, which ends by itself.
import type { EventEmitter } from 'node:events';
import type { ActivationCall } from '../../core/contract/activation-call.ts';
import type { FunctionAccess } from '../../core/contract/endpoint-source.ts';
import type { GatewayEvents } from '../../core/contract/gateway-events.ts';
import type { Subscription } from '../../core/contract/subscription.ts';

export interface HoldsOptions {
  readonly subscription: Subscription;
  readonly activation: ActivationCall;
  readonly access: FunctionAccess | undefined;
  readonly events: EventEmitter<GatewayEvents>;
}

/** While records are held, the scalers are told again after this time, in ms. */
const wakeAgainMs = 500;

export class Holds {
  readonly #options: HoldsOptions;
  readonly #onDue: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isOn = false;

  /** `onDue`: whoever holds should look again, and hold again if there is need. */
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

  /** Holds where what the function is to be shown is not there, and says whether it is so. Whoever has it says when to look again. */
  holdForLack(): boolean {
    const lack = this.#options.access?.lack;
    if (lack !== undefined) this.#begin(lack);
    return lack !== undefined;
  }

  /** Something is sent. */
  release(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    this.stop();
    this.#options.events.emit('released', this.#options.subscription);
  }

  #begin(lack: string | undefined): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#options.events.emit('held', this.#options.subscription, lack);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
