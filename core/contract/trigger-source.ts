// The port that tells which triggers are wanted.
import type { Subscription } from './subscription.ts';

/** Tells the wanted triggers: once at the start, then whole again at every change. */
export interface TriggerSource {
  watch(onChange: (wanted: readonly Subscription[]) => void): Promise<() => void>;
}
