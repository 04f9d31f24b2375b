// Triggers as they are to be run, read once per edit, and who of them has what only one can have.
import { meaningOf } from '../core/resources/cluster-resolution.ts';
import type { Resource } from '../core/contract/kubernetes-client.ts';
import type { Subscription } from '../core/contract/subscription.ts';
import { mistakesAnnotation } from '../core/resources/trigger-resource.ts';
import { keyOf } from './names.ts';
import { findHolders, type Claimant, type Holders } from './plan/holders.ts';
import type { Reading } from './plan/observed.ts';
import type { TriggerModel } from './trigger-model.ts';

export interface TriggerCache {
  /** Reads all that is new or changed; whole. */
  update(triggers: readonly Resource[], clusters: readonly Resource[]): void;
  /** Undefined for a trigger that was not among them. */
  of(trigger: Resource): Reading | undefined;
  /** Those that are right, and are not being deleted. */
  subscriptions(): readonly Subscription[];
  readonly holders: Holders;
}

interface Read {
  readonly edit: string;
  readonly reading: Reading;
}

export function createTriggerCache(model: Pick<TriggerModel, 'read'>): TriggerCache {
  let reads = new Map<string, Read>();
  let clustersRead = '';
  let claimants: readonly Claimant[] = [];
  let holders = findHolders([]);

  function read(trigger: Resource, clusters: readonly Resource[], canReuse: boolean): Read {
    const edit = editOf(trigger);
    const known = reads.get(keyOf(trigger));
    if (canReuse && known?.edit === edit) return known;
    return { edit, reading: model.read(trigger, clusters) };
  }

  return {
    update(triggers, clusters) {
      const clustersNow = clusters.map(meaningOf).toSorted().join();
      const canReuse = clustersNow === clustersRead;
      clustersRead = clustersNow;
      reads = new Map(triggers.map((trigger) => [keyOf(trigger), read(trigger, clusters, canReuse)]));
      claimants = triggers.flatMap((trigger) => {
        const reading = reads.get(keyOf(trigger))?.reading;
        const isGoing = trigger.metadata.deletionTimestamp !== undefined;
        return reading?.kind === 'right' && !isGoing ? [{ trigger, subscription: reading.subscription }] : [];
      });
      holders = findHolders(claimants);
    },
    of(trigger) {
      const known = reads.get(keyOf(trigger));
      return known?.edit === editOf(trigger) ? known.reading : undefined;
    },
    subscriptions: () => claimants.map(({ subscription }) => subscription),
    get holders() {
      return holders;
    },
  };
}

/** Another text for every edit of a spec, and of the mistakes in annotations; the same for a status that changes. */
function editOf({ metadata }: Resource): string {
  const { uid, generation, namespace, name, annotations } = metadata;
  return JSON.stringify([namespace, name, uid, generation, annotations?.[mistakesAnnotation]]);
}
