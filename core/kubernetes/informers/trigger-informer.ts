// Reads the subscriptions of a cluster from its Trigger and KafkaCluster resources, and keeps them current.
// A wrong edit stops no trigger: it goes on with its last right version, as long as its namespace may use the KafkaCluster. The controller
// reports the mistake on the resource.
import { meaningOf } from '../../resources/cluster-resolution.ts';
import { findTakenGroups } from '../../resources/group-holders.ts';
import { isGranted } from '../../resources/kafka-cluster.ts';
import type { Resource, ResourceWatch } from '../../contract/kubernetes-client.ts';
import { kafkaClusterKind, triggerKind } from '../../resources/kinds.ts';
import type { TriggerSource } from '../../contract/trigger-source.ts';
import type { Subscription } from '../../contract/subscription.ts';

/** Turns a Trigger resource into a subscription, given all KafkaClusters. */
export type ReadTrigger = (
  trigger: Resource,
  clusters: readonly Resource[],
) =>
  | { readonly kind: 'right'; readonly subscription: Subscription }
  | { readonly kind: 'wrong'; readonly reason: string; readonly message: string };

export interface KubernetesTriggersOptions {
  /** A watch whose KafkaClusters are resolved (resolved-clusters.ts). */
  readonly resources: ResourceWatch;
  /** Absent: all namespaces. */
  readonly namespaces?: readonly string[] | undefined;
  readonly read: ReadTrigger;
  /** Called once for each mistake. `runs`: whether the trigger goes on with its last right version. */
  readonly onWrong: (key: string, message: string, runs: boolean) => void;
  readonly signal?: AbortSignal | undefined;
}

/** `watch` resolves when Triggers and KafkaClusters have been read once, however long that takes. */
export function createKubernetesTriggers(options: KubernetesTriggersOptions): TriggerSource {
  return {
    watch: async (onChange) => {
      const { resources, namespaces, signal } = options;
      const reader = new Reader(options, onChange);
      const watching = { namespaces, signal };
      const stops = await Promise.all([
        resources.watch(kafkaClusterKind, watching, (clusters) => reader.setClusters(clusters)),
        resources.watch(triggerKind, watching, (triggers) => reader.setTriggers(triggers)),
      ]);
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}

/** The subscription of a resource, and the input that it was made from, which does not include the status. */
interface Reading {
  readonly input: string;
  readonly subscription: Subscription | undefined;
}

class Reader {
  readonly #options: KubernetesTriggersOptions;
  readonly #onChange: (wanted: readonly Subscription[]) => void;
  #clusters: readonly Resource[] | undefined;
  #clustersText = '';
  #triggers: readonly Resource[] | undefined;
  #readings = new Map<string, Reading>();
  /** Key of a trigger → key of the older trigger that has its consumer group. */
  #taken: ReadonlyMap<string, string> = new Map();
  #reported: readonly Subscription[] | undefined;

  constructor(options: KubernetesTriggersOptions, onChange: (wanted: readonly Subscription[]) => void) {
    this.#options = options;
    this.#onChange = onChange;
  }

  setClusters(clusters: readonly Resource[]): void {
    this.#clusters = clusters;
    this.#clustersText = clusters.map(meaningOf).join();
    this.#update();
  }

  setTriggers(triggers: readonly Resource[]): void {
    this.#triggers = triggers;
    this.#update();
  }

  #update(): void {
    if (this.#clusters === undefined || this.#triggers === undefined) return;
    const readings = new Map<string, Reading>();
    for (const trigger of this.#triggers) {
      if (trigger.metadata.deletionTimestamp !== undefined) continue;
      readings.set(identityOf(trigger), this.#read(trigger, this.#clusters));
    }
    this.#readings = readings;
    const wanted = this.#withGroupsOfTheirOwn(this.#triggers);
    if (isSame(wanted, this.#reported)) return;
    this.#reported = wanted;
    this.#onChange(wanted);
  }

  /** Drops triggers whose consumer group belongs to an older trigger, in any namespace. */
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
      const message = `spec.source.consumerGroup: ${source.consumerGroup} is the group of the older trigger ${holder}: each would take the other’s partitions. Create the trigger again with another group.`;
      this.#options.onWrong(key, message, false);
    }
    this.#taken = taken;
    return right.filter(({ key }) => !taken.has(key));
  }

  #read(trigger: Resource, clusters: readonly Resource[]): Reading {
    const before = this.#readings.get(identityOf(trigger));
    const { annotations, labels } = trigger.metadata;
    const input = JSON.stringify([trigger.spec, annotations, labels, this.#clustersText]);
    if (before?.input === input) return before;
    const read = this.#options.read(trigger, clusters);
    if (read.kind === 'right') return { input, subscription: read.subscription };
    const running = before?.subscription;
    const subscription = running && mayReadOn(running, clusters) ? running : undefined;
    this.#options.onWrong(keyOf(trigger), read.message, subscription !== undefined);
    return { input, subscription };
  }
}

/** A revoked grant ends the trigger, even if its last edit is wrong. */
function mayReadOn({ namespace, source }: Subscription, clusters: readonly Resource[]): boolean {
  return isGranted(source.cluster, namespace, clusters);
}

/** A trigger that was deleted and created again under its name is another one. */
function identityOf(trigger: Resource): string {
  return trigger.metadata.uid ?? keyOf(trigger);
}

/** The same key as that of the subscription. */
function keyOf({ metadata: { namespace = '', name } }: Resource): string {
  return `${namespace}/${name}`;
}

function isSame(left: readonly Subscription[], right: readonly Subscription[] | undefined): boolean {
  return left.length === right?.length && left.every((one, index) => one === right[index]);
}
