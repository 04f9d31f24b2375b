// One trigger source for gateway, scaler and functions: read once, told to all of them in the order in which they asked.
import type { TriggerSource } from '../../core/contract/trigger-source.ts';
import type { Subscription } from '../../core/contract/subscription.ts';

type Listener = (wanted: readonly Subscription[]) => void;

export interface SharedTriggers extends TriggerSource {
  readonly wanted: readonly Subscription[];
  /** As `watch`, but without the triggers as they are now. */
  onEdit(listener: Listener): void;
  close(): void;
}

/** Rejects where the source does. Only triggers that `keep` accepts are told. */
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
