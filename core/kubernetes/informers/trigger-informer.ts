// Triggers from the Trigger resources of a cluster. A wrong edit stops nothing: what the trigger was when it was last right stays, for as long
// as it is granted what it reads, and the controller says on the resource what is wrong with it.
import { meaningOf } from '../../resources/cluster-resolution.ts';
import { findTakenGroups } from '../../resources/group-holders.ts';
import { isGranted } from '../../resources/kafka-cluster.ts';
import type { Resource, ResourceWatch } from '../../contract/kubernetes-client.ts';
import { kafkaClusterKind, triggerKind } from '../../resources/kinds.ts';
import type { TriggerSource } from '../../contract/trigger-source.ts';
import type { Subscription } from '../../contract/subscription.ts';

/** What a Trigger resource means beside the KafkaClusters that there are. */
export type ReadTrigger = (
  trigger: Resource,
  clusters: readonly Resource[],
) =>
  | { readonly kind: 'right'; readonly subscription: Subscription }
  | { readonly kind: 'wrong'; readonly reason: string; readonly message: string };

export interface KubernetesTriggersOptions {
  /** Its KafkaClusters are resolved. */
  readonly resources: ResourceWatch;
  /** Absent: all of them. */
  readonly namespaces?: readonly string[] | undefined;
  readonly read: ReadTrigger;
  /** Told once of each mistake; `runs`: whether it goes on as it was before. */
  readonly onWrong: (key: string, message: string, runs: boolean) => void;
  readonly signal?: AbortSignal | undefined;
}

/** `watch` resolves when the API server has told Triggers and KafkaClusters once, however long that takes. */
export function createKubernetesTriggers(options: KubernetesTriggersOptions): TriggerSource {
  return {
    watch: async (onChange) => {
      const { resources, namespaces, signal } = options;
      const reader = new Reader(options, onChange);
      const watching = { namespaces, signal };
      const stops = await Promise.all([
        resources.watch(kafkaClusterKind, watching, (clusters) => reader.haveClusters(clusters)),
        resources.watch(triggerKind, watching, (triggers) => reader.haveTriggers(triggers)),
      ]);
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}

/** What was made of a resource, and of what: a change of its status makes nothing new. */
interface Reading {
  readonly of: string;
  readonly subscription: Subscription | undefined;
}

class Reader {
  readonly #options: KubernetesTriggersOptions;
  readonly #onChange: (wanted: readonly Subscription[]) => void;
  #clusters: readonly Resource[] | undefined;
  #clustersText = '';
  #triggers: readonly Resource[] | undefined;
  #readings = new Map<string, Reading>();
  /** Key of a trigger → of the one that has its group. */
  #taken: ReadonlyMap<string, string> = new Map();
  #told: readonly Subscription[] | undefined;

  constructor(options: KubernetesTriggersOptions, onChange: (wanted: readonly Subscription[]) => void) {
    this.#options = options;
    this.#onChange = onChange;
  }

  haveClusters(clusters: readonly Resource[]): void {
    this.#clusters = clusters;
    this.#clustersText = clusters.map(meaningOf).join();
    this.#tell();
  }

  haveTriggers(triggers: readonly Resource[]): void {
    this.#triggers = triggers;
    this.#tell();
  }

  #tell(): void {
    if (this.#clusters === undefined || this.#triggers === undefined) return;
    const readings = new Map<string, Reading>();
    for (const trigger of this.#triggers) {
      if (trigger.metadata.deletionTimestamp !== undefined) continue;
      readings.set(identityOf(trigger), this.#read(trigger, this.#clusters));
    }
    this.#readings = readings;
    const wanted = this.#withGroupsOfTheirOwn(this.#triggers);
    if (isSame(wanted, this.#told)) return;
    this.#told = wanted;
    this.#onChange(wanted);
  }

  /** What would read of the group of an older trigger, in whatever namespace, is not wanted. */
  #withGroupsOfTheirOwn(triggers: readonly Resource[]): readonly Subscription[] {
    const createdAt = new Map(
      triggers.map((trigger) => [keyOf(trigger), trigger.metadata.creationTimestamp]),
    );
    const right = [...this.#readings.values()].flatMap(({ subscription }) => subscription ?? []);
    const claims = right.map((subscription) => ({
      subscription,
      createdAt: createdAt.get(subscription.key),
    }));
    const taken = findTakenGroups(claims);
    for (const { key, source } of right) {
      const holder = taken.get(key);
      if (holder === undefined || this.#taken.get(key) === holder) continue;
      const message = `spec.source.consumerGroup: ${source.consumerGroup} is the group of ${holder}, which is older: each would take the other’s partitions. Make the trigger anew with another group.`;
      this.#options.onWrong(key, message, false);
    }
    this.#taken = taken;
    return right.filter(({ key }) => !taken.has(key));
  }

  #read(trigger: Resource, clusters: readonly Resource[]): Reading {
    const before = this.#readings.get(identityOf(trigger));
    const { annotations, labels } = trigger.metadata;
    const of = JSON.stringify([trigger.spec, annotations, labels, this.#clustersText]);
    if (before?.of === of) return before;
    const read = this.#options.read(trigger, clusters);
    if (read.kind === 'right') return { of, subscription: read.subscription };
    const running = before?.subscription;
    const subscription = running && mayReadOn(running, clusters) ? running : undefined;
    this.#options.onWrong(keyOf(trigger), read.message, subscription !== undefined);
    return { of, subscription };
  }
}

/** However wrong an edit is, a grant that is taken back ends what it allowed. */
function mayReadOn({ namespace, source }: Subscription, clusters: readonly Resource[]): boolean {
  return isGranted(source.cluster, namespace, clusters);
}

/** One that was deleted and made again under its name is another. */
function identityOf(trigger: Resource): string {
  return trigger.metadata.uid ?? keyOf(trigger);
}

/** As the subscription has it. */
function keyOf({ metadata: { namespace = '', name } }: Resource): string {
  return `${namespace}/${name}`;
}

function isSame(left: readonly Subscription[], right: readonly Subscription[] | undefined): boolean {
  return left.length === right?.length && left.every((one, index) => one === right[index]);
}
