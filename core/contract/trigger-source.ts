// The port that reports the declared triggers.
import type { Subscription } from './subscription.ts';

/** Reports all declared triggers: once at the start, then all again at every change. `watch` returns a function that stops it. */
export interface TriggerSource {
  watch(onChange: (wanted: readonly Subscription[]) => void): Promise<() => void>;
}
