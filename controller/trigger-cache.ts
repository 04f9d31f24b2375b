// What the reconcilers read of the table of triggers.
import type { Resource } from '../core/contract/kubernetes-client.ts';
import type { Subscription } from '../core/contract/subscription.ts';
import type { TriggerInformer } from '../core/kubernetes/informers/trigger-informer.ts';
import { keyOf } from './ownership.ts';
import type { ParsedTrigger } from './plan/observed-state.ts';

export interface TriggerConflicts {
  /** Key of the other trigger that has the consumer group of `subscription`; undefined without a conflict. */
  groupHolder(subscription: Subscription): string | undefined;
  /** Key of the other trigger that the function of `subscription` is scaled for; undefined without a conflict. */
  workloadHolder(subscription: Subscription): string | undefined;
}

export interface TriggerCache {
  /** Undefined if the table does not know this edit of the trigger. */
  get(trigger: Resource): ParsedTrigger | undefined;
  /** The version that was accepted last, also of a trigger that is being deleted, or whose KafkaCluster is gone. */
  lastAccepted(trigger: Resource): Subscription | undefined;
  readonly conflicts: TriggerConflicts;
}

export function createTriggerCache(table: TriggerInformer['table']): TriggerCache {
  return {
    get(trigger) {
      const entry = table.get(keyOf(trigger));
      return entry !== undefined && isSameEdit(entry.resource, trigger) ? entry.reading : undefined;
    },
    lastAccepted: (trigger) => table.get(keyOf(trigger))?.accepted,
    conflicts: {
      groupHolder: ({ key }) => table.groupHolder(key),
      workloadHolder: ({ key }) => table.workloadHolder(key),
    },
  };
}

function isSameEdit({ metadata: a }: Resource, { metadata: b }: Resource): boolean {
  return a.uid === b.uid && a.generation === b.generation;
}
