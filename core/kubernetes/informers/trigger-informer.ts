// Keeps the table of triggers current, by one watch of Triggers and one of KafkaClusters for all who read it in this process.
import type { ResourceChange, ResourceWatch } from '../../contract/kubernetes-client.ts';
import { kafkaClusterKind, triggerKind } from '../../resources/kinds.ts';
import type { TriggerContext } from '../../resources/trigger-resource.ts';
import { TriggerTable, type TriggerChange } from './trigger-table.ts';

export interface TriggerInformerOptions extends TriggerContext {
  /** A watch whose KafkaClusters are resolved (resolved-clusters.ts). */
  readonly resources: ResourceWatch;
  /** Absent: all namespaces. */
  readonly namespaces?: readonly string[] | undefined;
  /** Ends a start that waits for the API server. */
  readonly signal?: AbortSignal | undefined;
}

export type TriggerListener = (changes: readonly TriggerChange[]) => void;

export interface TriggerInformer {
  readonly table: Omit<TriggerTable, 'apply'>;
  /**
   * Calls `listener` with all triggers, as added, and with each change from then on. Resolves after the first call, when Triggers and
   * KafkaClusters have been read once, however long that takes. Returns a function that stops it.
   */
  follow(listener: TriggerListener): Promise<() => void>;
  stop(): void;
}

export function createTriggerInformer(options: TriggerInformerOptions): TriggerInformer {
  const { resources, namespaces } = options;
  const table = new TriggerTable(options);
  const listeners = new Set<TriggerListener>();
  const ending = new AbortController();
  const signal =
    options.signal === undefined ? ending.signal : AbortSignal.any([options.signal, ending.signal]);
  let synced: Promise<void> | undefined;

  /** A trigger is not judged before all KafkaClusters are known: it would seem to name one that does not exist. */
  async function start(): Promise<void> {
    const first: { triggers: ResourceChange[]; clusters: ResourceChange[] } = { triggers: [], clusters: [] };
    let isSynced = false;
    const take = (kind: keyof typeof first, changes: readonly ResourceChange[]): void => {
      if (!isSynced) first[kind].push(...changes);
      else report(table.apply(kind === 'triggers' ? changes : [], kind === 'clusters' ? changes : []));
    };
    await Promise.all([
      resources.watch(kafkaClusterKind, { namespaces, signal }, (changes) => take('clusters', changes)),
      resources.watch(triggerKind, { namespaces, signal }, (changes) => take('triggers', changes)),
    ]);
    isSynced = true;
    table.apply(first.triggers, first.clusters);
  }

  function report(changes: readonly TriggerChange[]): void {
    if (changes.length === 0) return;
    for (const listener of [...listeners]) listener(changes);
  }

  return {
    table,
    async follow(listener) {
      await (synced ??= start());
      const own: TriggerListener = (changes) => listener(changes);
      listeners.add(own);
      own([...table.keys()].map((key) => ({ key, before: undefined, after: table.get(key) })));
      return () => void listeners.delete(own);
    },
    stop: () => ending.abort(),
  };
}
