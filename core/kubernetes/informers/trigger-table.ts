// The Triggers and KafkaClusters of a cluster, for gateway, scaler and controller alike: each is judged once per edit, and found by what it
// names. An edit costs what it touches, however many triggers there are.
//
// A wrong edit stops no trigger: it goes on with the version that was accepted last, as long as its namespace may use the KafkaCluster.
// That version is in memory, and in the status of the Trigger, so that a process that starts later finds it too.
import type { Resource, ResourceChange } from '../../contract/kubernetes-client.ts';
import type { Subscription } from '../../contract/subscription.ts';
import { meaningOf } from '../../resources/cluster-resolution.ts';
import { groupOf, Holders, workloadId, workloadOf } from '../../resources/holders.ts';
import { judgeCluster, type JudgedCluster } from '../../resources/judged-cluster.ts';
import { isGranted, placeOf, type ClusterPlace } from '../../resources/kafka-cluster.ts';
import {
  judgeTrigger,
  readAccepted,
  readTrigger,
  type TriggerContext,
  type TriggerReading,
} from '../../resources/trigger-resource.ts';
import { KeyIndex } from './key-index.ts';
import { keyOf } from './resource-map.ts';

export interface TriggerEntry {
  readonly resource: Resource;
  readonly reading: TriggerReading;
  /** The version that was accepted last: that of `reading`, or an earlier one while an edit is wrong. */
  readonly accepted: Subscription | undefined;
  /** What runs; undefined for a trigger that is being deleted, that was never right, or that lost the right to its KafkaCluster. */
  readonly running: Subscription | undefined;
}

/** `before` is undefined for a trigger that was added, `after` for one that was deleted. Both are the same if only a holder has changed. */
export interface TriggerChange {
  readonly key: string;
  readonly before: TriggerEntry | undefined;
  readonly after: TriggerEntry | undefined;
}

interface Judged {
  readonly revision: string;
  readonly judged: ReturnType<typeof judgeTrigger>;
}

export class TriggerTable {
  readonly #context: TriggerContext;
  readonly #entries = new Map<string, TriggerEntry>();
  readonly #judged = new Map<string, Judged>();
  readonly #clusters = new Map<string, { readonly meaning: string; readonly cluster: JudgedCluster }>();
  /** KafkaCluster → keys of the triggers that name it. */
  readonly #naming = new KeyIndex();
  /** What is scaled → keys of the triggers whose function it is. */
  readonly #targeting = new KeyIndex();
  readonly #groups = new Holders();
  readonly #targets = new Holders();

  constructor(context: TriggerContext) {
    this.#context = context;
  }

  get(key: string): TriggerEntry | undefined {
    return this.#entries.get(key);
  }

  keys(): Iterable<string> {
    return this.#entries.keys();
  }

  /** Key of the older trigger that has the consumer group of the trigger `key`. */
  groupHolder(key: string): string | undefined {
    return this.#groups.otherHolder(key);
  }

  /** Key of the older trigger for which the function of the trigger `key` is scaled. */
  workloadHolder(key: string): string | undefined {
    const { running } = this.#entries.get(key) ?? {};
    const holder = this.#targets.holder(running && workloadOf(running));
    return holder === key ? undefined : holder;
  }

  /** Keys of the triggers whose accepted version has this function. */
  targeting(namespace: string, apiVersion: string, kind: string, name: string): Iterable<string> {
    return this.#targeting.of(workloadId(namespace, apiVersion, kind, name));
  }

  /** How much is kept, in all. */
  get size(): number {
    return [
      this.#entries,
      this.#judged,
      this.#clusters,
      this.#naming,
      this.#targeting,
      this.#groups,
      this.#targets,
    ].reduce((sum, { size }) => sum + size, 0);
  }

  /** Returns what has changed for triggers, by this or by the KafkaClusters that they name. */
  apply(triggers: readonly ResourceChange[], clusters: readonly ResourceChange[]): TriggerChange[] {
    const before = new Map<string, TriggerEntry | undefined>();
    for (const change of clusters)
      for (const key of this.#takeCluster(change)) before.set(key, this.#entries.get(key));
    for (const { before: old, after } of triggers) {
      const key = keyOf((after ?? old) as Resource);
      if (!before.has(key)) before.set(key, this.#entries.get(key));
      if (after === undefined) this.#entries.delete(key);
      else this.#entries.set(key, this.#read(key, after));
    }
    for (const key of before.keys()) {
      const entry = this.#entries.get(key);
      // A trigger that was not edited, but whose KafkaCluster was, is read again.
      if (entry !== undefined && entry === before.get(key))
        this.#entries.set(key, this.#read(key, entry.resource));
    }
    const affected = this.#updateHolders([...before.keys()]);
    for (const key of affected) if (!before.has(key)) before.set(key, this.#entries.get(key));
    return [...before].map(([key, entry]) => ({ key, before: entry, after: this.#entries.get(key) }));
  }

  /** Returns the keys of the triggers that name it, if it means something else now. */
  #takeCluster({ before, after }: ResourceChange): Iterable<string> {
    const key = keyOf((after ?? before) as Resource);
    const known = this.#clusters.get(key);
    if (after === undefined) this.#clusters.delete(key);
    else {
      const meaning = meaningOf(after);
      if (known?.meaning === meaning) return [];
      this.#clusters.set(key, { meaning, cluster: withSameAccess(judgeCluster(after), known?.cluster) });
    }
    return this.#naming.of(key);
  }

  #read(key: string, resource: Resource): TriggerEntry {
    const before = this.#entries.get(key);
    const same = before?.resource.metadata.uid === resource.metadata.uid ? before : undefined;
    const { judged } = this.#judge(key, resource);
    const reading = judged.kind === 'wrong' ? judged : this.#readJudged(judged, same?.reading);
    const accepted =
      reading.kind === 'right'
        ? reading.subscription
        : (same?.accepted ?? readAccepted(resource, this.#context));
    const isDeleting = resource.metadata.deletionTimestamp !== undefined;
    const mayRun = accepted !== undefined && !isDeleting && this.#isGranted(accepted);
    return { resource, reading, accepted, running: mayRun ? accepted : undefined };
  }

  #judge(key: string, resource: Resource): Judged {
    const revision = revisionOf(resource);
    const known = this.#judged.get(key);
    if (known?.revision === revision) return known;
    const judged = { revision, judged: judgeTrigger(resource, this.#context) };
    this.#judged.set(key, judged);
    return judged;
  }

  /** Returns `before` itself if nothing has changed, so that its subscription stays the same object. */
  #readJudged(
    judged: Extract<Judged['judged'], { kind: 'judged' }>,
    before: TriggerReading | undefined,
  ): TriggerReading {
    const find = (place: ClusterPlace): JudgedCluster | undefined =>
      this.#clusters.get(`${place.namespace}/${place.name}`)?.cluster;
    const all = (): JudgedCluster[] => [...this.#clusters.values()].map(({ cluster }) => cluster);
    const reading = readTrigger(judged, { find, all });
    if (reading.kind !== 'right' || before?.kind !== 'right') return reading;
    const isSame =
      before.accepted.spec === judged.spec &&
      before.subscription.source.access === reading.subscription.source.access;
    return isSame ? before : reading;
  }

  #isGranted({ namespace, source }: Subscription): boolean {
    const { namespace: itsNamespace, name } = placeOf(source.cluster, namespace);
    return isGranted(source.cluster, namespace, this.#clusters.get(`${itsNamespace}/${name}`)?.cluster);
  }

  /** Updates all that is found by what triggers name. Returns the keys of triggers for which a holder may have changed. */
  #updateHolders(keys: readonly string[]): ReadonlySet<string> {
    const affected = new Set<string>();
    const note = (others: Iterable<string>): void => {
      for (const other of others) affected.add(other);
    };
    for (const key of keys) {
      const { resource, accepted, running } = this.#entries.get(key) ?? {};
      if (resource === undefined) this.#judged.delete(key);
      const judged = this.#judged.get(key)?.judged;
      // The KafkaCluster that the edit names, and the one that runs meanwhile, may be two.
      const places = [
        ...(judged?.kind === 'judged' ? [judged.cluster] : []),
        ...(accepted === undefined ? [] : [placeOf(accepted.source.cluster, accepted.namespace)]),
      ];
      this.#naming.set(
        key,
        places.map(({ namespace, name }) => `${namespace}/${name}`),
      );
      const target = accepted && workloadOf(accepted);
      this.#targeting.set(key, target === undefined ? [] : [target]);
      const createdAt = resource?.metadata.creationTimestamp;
      note(
        running === undefined
          ? this.#groups.release(key)
          : this.#groups.claim(key, groupOf(running), createdAt),
      );
    }
    // A trigger that does not have its group does not run, so nothing is scaled for it.
    for (const key of new Set([...keys, ...affected])) {
      const { resource, running } = this.#entries.get(key) ?? {};
      const target = running && this.groupHolder(key) === undefined ? workloadOf(running) : undefined;
      const createdAt = resource?.metadata.creationTimestamp;
      note(target === undefined ? this.#targets.release(key) : this.#targets.claim(key, target, createdAt));
      if (running !== undefined) note(this.#targeting.of(workloadOf(running) ?? ''));
    }
    return affected;
  }
}

/** An edit that leaves the way to the brokers as it was must leave the same object, by which subscriptions are compared. */
function withSameAccess(cluster: JudgedCluster, before: JudgedCluster | undefined): JudgedCluster {
  if (before?.access === undefined || cluster.access === undefined) return cluster;
  const isSame = JSON.stringify(before.access) === JSON.stringify(cluster.access);
  return isSame ? { ...cluster, access: before.access } : cluster;
}

/** Differs after every edit that a reading depends on, and not after a change of status. */
function revisionOf({ metadata: { uid, generation, annotations } }: Resource): string {
  return JSON.stringify([uid, generation, annotations]);
}
