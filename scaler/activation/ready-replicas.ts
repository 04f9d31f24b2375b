// How many replicas of a function are ready, as its endpoints show it: for triggers with a `targetDrainTime`, which go by it.
import type { EndpointSource } from '../../core/contract/endpoint-source.ts';
import type { TriggerSource } from '../../core/contract/trigger-source.ts';
import type { Subscription } from '../../core/contract/subscription.ts';

export interface ReadyReplicas {
  /** As it was given, and followed by the way. */
  readonly triggers: TriggerSource;
  /** Of the function of a trigger, by its key; undefined where nobody needs to know, or nothing is known yet. */
  readonly replicas: (key: string) => number | undefined;
}

export function countReadyReplicas(triggers: TriggerSource, endpoints: EndpointSource): ReadyReplicas {
  const counts = new Map<string, number>();
  const followed = new Map<Subscription, () => void>();

  const follow = (wanted: readonly Subscription[]): void => {
    const aimed = new Set(wanted.filter(({ scale }) => scale.targetDrainMs !== undefined));
    for (const [subscription, stop] of followed) {
      if (aimed.has(subscription)) continue;
      stop();
      followed.delete(subscription);
      counts.delete(subscription.key);
    }
    for (const subscription of aimed) {
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
