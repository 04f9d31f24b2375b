// Counts the ready replicas of functions by their endpoints, for the triggers that need it: those with a `targetDrainTime`.
import type { EndpointSource } from '../../core/contract/endpoint-source.ts';
import type { TriggerSource } from '../../core/contract/trigger-source.ts';
import type { Subscription } from '../../core/contract/subscription.ts';

export interface ReadyReplicas {
  /** The given source. Whoever watches it starts the counting as well. */
  readonly triggers: TriggerSource;
  /** Ready replicas of a trigger's function, by the trigger's key; undefined without a `targetDrainTime`, and until they are known. */
  readonly replicas: (key: string) => number | undefined;
}

export function countReadyReplicas(triggers: TriggerSource, endpoints: EndpointSource): ReadyReplicas {
  const counts = new Map<string, number>();
  const followed = new Map<Subscription, () => void>();

  const follow = (wanted: readonly Subscription[]): void => {
    const counted = new Set(wanted.filter(({ scale }) => scale.targetDrainMs !== undefined));
    for (const [subscription, stop] of followed) {
      if (counted.has(subscription)) continue;
      stop();
      followed.delete(subscription);
      counts.delete(subscription.key);
    }
    for (const subscription of counted) {
      if (followed.has(subscription)) continue;
      const count = (ready: readonly unknown[]): void => void counts.set(subscription.key, ready.length);
      followed.set(subscription, endpoints.watch(subscription, count));
    }
  };

  return {
    triggers: {
      watch: async (onChange) => {
        const stop = await triggers.watch((wanted) => {
          follow(wanted);
          onChange(wanted);
        });
        return () => {
          stop();
          follow([]);
        };
      },
    },
    replicas: (key) => counts.get(key),
  };
}
