// One trigger source that gateway, scaler and functions share. It is read once, and listeners are called in the order in which
// they subscribed.
import type { TriggerSource } from '../../core/contract/trigger-source.ts';
import type { Subscription } from '../../core/contract/subscription.ts';

type Listener = (wanted: readonly Subscription[]) => void;

export interface SharedTriggers extends TriggerSource {
  readonly wanted: readonly Subscription[];
  /** Like `watch`, but without a call for the current triggers. */
  onEdit(listener: Listener): void;
  close(): void;
}

/** Rejects if the source does. Listeners get only the triggers that `keep` accepts. */
export async function shareTriggers(
  source: TriggerSource,
  keep: (subscription: Subscription) => boolean = () => true,
): Promise<SharedTriggers> {
  const listeners = new Set<Listener>();
  let wanted: readonly Subscription[] = [];
  const close = await source.watch((all) => {
    wanted = all.filter(keep);
    for (const listener of listeners) listener(wanted);
  });
  return {
    get wanted() {
      return wanted;
    },
    close,
    onEdit: (listener) => void listeners.add(listener),
    watch: async (listener) => {
      listeners.add(listener);
      listener(wanted);
      return () => listeners.delete(listener);
    },
  };
}
