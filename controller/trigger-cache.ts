// The parsed form of every Trigger, parsed once per edit, and the conflicts between them.
import { meaningOf } from '../core/resources/cluster-resolution.ts';
import type { Resource } from '../core/contract/kubernetes-client.ts';
import type { Subscription } from '../core/contract/subscription.ts';
import { mistakesAnnotation } from '../core/resources/trigger-resource.ts';
import { keyOf } from './ownership.ts';
import { findConflicts, type ActiveTrigger, type TriggerConflicts } from './plan/trigger-conflicts.ts';
import type { ParsedTrigger } from './plan/observed-state.ts';
import type { TriggerParser } from './trigger-parser.ts';

export interface TriggerCache {
  /** Parses every trigger that is new or was edited; after a change of a KafkaCluster, all. Triggers not in the list are dropped. */
  update(triggers: readonly Resource[], clusters: readonly Resource[]): void;
  /** Undefined if the last `update` did not include this edit of the trigger. */
  get(trigger: Resource): ParsedTrigger | undefined;
  /** Of the triggers that are valid and not being deleted. */
  subscriptions(): readonly Subscription[];
  readonly conflicts: TriggerConflicts;
}

interface Entry {
  readonly revision: string;
  readonly parsed: ParsedTrigger;
}

export function createTriggerCache(parser: Pick<TriggerParser, 'parse'>): TriggerCache {
  let entries = new Map<string, Entry>();
  let lastClusters = '';
  let active: readonly ActiveTrigger[] = [];
  let conflicts = findConflicts([]);

  function entryOf(trigger: Resource, clusters: readonly Resource[], canReuse: boolean): Entry {
    const revision = revisionOf(trigger);
    const known = entries.get(keyOf(trigger));
    if (canReuse && known?.revision === revision) return known;
    return { revision, parsed: parser.parse(trigger, clusters) };
  }

  return {
    update(triggers, clusters) {
      const currentClusters = clusters.map(meaningOf).toSorted().join();
      const canReuse = currentClusters === lastClusters;
      lastClusters = currentClusters;
      entries = new Map(triggers.map((trigger) => [keyOf(trigger), entryOf(trigger, clusters, canReuse)]));
      active = triggers.flatMap((trigger) => {
        const parsed = entries.get(keyOf(trigger))?.parsed;
        const isDeleting = trigger.metadata.deletionTimestamp !== undefined;
        return parsed?.kind === 'right' && !isDeleting
          ? [{ trigger, subscription: parsed.subscription }]
          : [];
      });
      conflicts = findConflicts(active);
    },
    get(trigger) {
      const known = entries.get(keyOf(trigger));
      return known?.revision === revisionOf(trigger) ? known.parsed : undefined;
    },
    subscriptions: () => active.map(({ subscription }) => subscription),
    get conflicts() {
      return conflicts;
    },
  };
}

/** Differs after every edit of the spec or of the mistakes annotation, and not after a change of status. */
function revisionOf({ metadata }: Resource): string {
  const { uid, generation, namespace, name, annotations } = metadata;
  return JSON.stringify([namespace, name, uid, generation, annotations?.[mistakesAnnotation]]);
}
