// One trigger of this gateway, from when it is wanted until it is gone. At most one pipeline of it lives at a time, and only its own drain delays
// its next one.
//
//   wanted ──► starting ──► running ──edited──► draining ──► starting (the version that is wanted by then)
//                  ▲           ├──not wanted, suspended──► draining ──► stopped
//                  │           └──fault──► draining ──► waiting ──┐
//                  └──────────────────────────────────────────────┘
//
// A fault is an exception that nobody expected. What it left out is not settled, so the next pipeline reads it again.
import { MillraceError } from '../../core/contract/errors.ts';
import type { GatewayEmitter } from '../../core/contract/gateway-events.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { Budget } from '../pipeline/open-partition.ts';
import { Pipeline, type PipelineDependencies } from '../pipeline/pipeline.ts';
import { notRunning, type TriggerSnapshot } from '../pipeline/trigger-snapshot.ts';
import { isSameSubscription } from './same-subscription.ts';

/** Pauses before a trigger starts again after a fault, in ms. A trigger without a fault for `calm` begins with `first` again. */
export interface RestartDelays {
  readonly first: number;
  readonly longest: number;
  readonly calm: number;
}

export interface SupervisedTriggerOptions {
  readonly dependencies: PipelineDependencies;
  readonly events: GatewayEmitter;
  readonly budget: () => Budget;
  readonly restartMs: RestartDelays;
  /** It is not wanted any more, and nothing of it is left. */
  readonly onGone: (last: Subscription) => void;
}

interface Restart {
  readonly reason: string;
  readonly timer: NodeJS.Timeout;
}

export class SupervisedTrigger {
  readonly #options: SupervisedTriggerOptions;
  #wanted: Subscription | undefined;
  /** The version that was wanted last. */
  #last: Subscription | undefined;
  #pipeline: Pipeline | undefined;
  #work: Promise<void> | undefined;
  /** After a fault, until it starts again. */
  #restart: Restart | undefined;
  #delayMs: number;
  #lastFaultMs = Number.NEGATIVE_INFINITY;

  constructor(options: SupervisedTriggerOptions) {
    this.#options = options;
    this.#delayMs = options.restartMs.first;
  }

  /** Undefined where it is to be gone. */
  get wanted(): Subscription | undefined {
    return this.#wanted;
  }

  get pipeline(): Pipeline | undefined {
    return this.#pipeline;
  }

  /** Resolves when that runs, or cannot be started for now; undefined: when nothing of the trigger is left. Never rejects. */
  want(subscription: Subscription | undefined): Promise<void> {
    const before = this.#wanted;
    this.#wanted = subscription;
    this.#last = subscription ?? before ?? this.#last;
    const isEdited =
      before === undefined || subscription === undefined || !isSameSubscription(before, subscription);
    // An edit may mend what failed, so it does not wait.
    if (isEdited) this.#endPause();
    return this.#proceed();
  }

  snapshot(): TriggerSnapshot {
    const subscription = this.#wanted as Subscription;
    const { key, suspend } = subscription;
    try {
      const running = this.#pipeline?.snapshot();
      if (this.#restart !== undefined)
        return {
          ...(running ?? notRunning(key, 'failing', '')),
          state: 'failing',
          reason: this.#restart.reason,
          ready: false,
        };
      if (running !== undefined) return running;
    } catch {
      return notRunning(key, 'failing', 'a fault of the gateway: the state of the trigger cannot be read');
    }
    return suspend
      ? notRunning(key, 'suspended', 'spec.suspend is true')
      : notRunning(key, 'starting', 'not started yet');
  }

  #proceed(): Promise<void> {
    return (this.#work ??= this.#converge());
  }

  /** Brings what runs to what is wanted, which may change meanwhile: only the version that is wanted at the end of a drain starts. */
  async #converge(): Promise<void> {
    await Promise.resolve();
    for (;;) {
      const wanted = this.#wanted?.suspend === true ? undefined : this.#wanted;
      const pipeline = this.#pipeline;
      if (pipeline !== undefined) {
        const isCurrent = wanted !== undefined && isSameSubscription(pipeline.subscription, wanted);
        if (isCurrent && !pipeline.hasFault) break;
        await pipeline.stop();
        this.#pipeline = undefined;
      } else if (wanted === undefined || this.#restart !== undefined) {
        break;
      } else {
        this.#start(wanted);
      }
    }
    // In the same step as the last look at what is wanted.
    this.#work = undefined;
    if (this.#wanted !== undefined) return;
    this.#endPause();
    if (this.#last !== undefined) this.#options.onGone(this.#last);
  }

  #start(subscription: Subscription): void {
    const { dependencies, budget } = this.#options;
    const onFault = (fault: Error): void => this.#faulted(subscription, fault);
    try {
      this.#pipeline = new Pipeline({ subscription, budget, onFault }, dependencies);
      this.#pipeline.start();
    } catch (error) {
      const fault = error instanceof Error ? error : new Error(String(error));
      if (this.#pipeline === undefined) onFault(fault);
      else this.#pipeline.failed(fault);
    }
  }

  #faulted(subscription: Subscription, fault: Error): void {
    const { events, restartMs } = this.#options;
    const nowMs = performance.now();
    if (nowMs - this.#lastFaultMs > restartMs.calm) this.#delayMs = restartMs.first;
    this.#lastFaultMs = nowMs;
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(restartMs.longest, delayMs * 2);
    const isWanted = this.#wanted?.suspend === false;
    const told = new MillraceError('MILLRACE_TRIGGER_FAULTED', 'a fault stopped the trigger', {
      cause: fault,
    });
    events.emit('faulted', subscription, told, isWanted ? delayMs : undefined);
    if (!isWanted) return;
    this.#endPause();
    const timer = setTimeout(() => {
      this.#restart = undefined;
      void this.#proceed();
    }, delayMs);
    // Without its message, which may quote a record.
    const reason = `a fault of the gateway stopped it (${fault.name}), and it starts again by itself: see the log`;
    this.#restart = { reason, timer };
    void this.#proceed();
  }

  #endPause(): void {
    clearTimeout(this.#restart?.timer);
    this.#restart = undefined;
  }
}
