// The reconcile loop: informers, work queue, workers and reconcilers, wired together. It runs while this process is the leader; once it has
// stopped, nothing is in progress any more. A change requeues what it affects, found by an index, and nothing else.
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { errorFields } from '../core/contract/errors.ts';
import type { KubernetesClient, Resource, ResourceChange } from '../core/contract/kubernetes-client.ts';
import type { ClustersReader } from '../core/kafka/offsets/offsets-of-clusters.ts';
import type { TriggerInformer } from '../core/kubernetes/informers/trigger-informer.ts';
import type { TriggerChange } from '../core/kubernetes/informers/trigger-table.ts';
import { triggerKind } from '../core/resources/kinds.ts';
import { createClusterInformers, type ClusterInformers, type WatchedType } from './cluster-informers.ts';
import type { EmitController } from './controller-events.ts';
import { drainTrigger } from './drain-trigger.ts';
import { createKafkaPoll, type KafkaPoll } from './kafka-poll.ts';
import { keyOf } from './ownership.ts';
import { hasOptedIn } from './plan/plan-deployment.ts';
import type { ScalerAddress } from './plan/observed-state.ts';
import { createTriggerCache } from './trigger-cache.ts';
import { reconcileDeployment } from './reconcile-deployment.ts';
import { TriggerReconciler } from './reconcile-trigger.ts';
import {
  createTriggerDependencies,
  type Requeue,
  type ScalerProbe,
  type TriggerDependencies,
} from './trigger-dependencies.ts';
import { createWorkQueue } from './queue/work-queue.ts';
import { createWorkers, type Workers } from './queue/workers.ts';
import { createEventRecorder } from './writes/event-recorder.ts';

export interface ReconcileLoopOptions {
  readonly client: KubernetesClient;
  readonly informer: TriggerInformer;
  /** Absent: all. */
  readonly namespaces: readonly string[] | undefined;
  /** Of this process. */
  readonly identity: string;
  readonly scaler: () => ScalerAddress | undefined;
  readonly probe: ScalerProbe;
  readonly kafka: Pick<ClustersReader, 'read' | 'readGroups'>;
  /** As `Demand.backlog`. */
  readonly backlog: (key: string) => Promise<bigint>;
  readonly log: Logger;
  readonly emit: EmitController;
  readonly assertLeading: () => void;
}

export interface ReconcileLoop {
  /** Requeues every trigger and annotated Deployment, after a change that concerns all of them. */
  resync(): void;
  stop(): Promise<void>;
}

/** Everything is requeued this often, spread over the whole time, so that nothing stays undone that a reconcile has missed. */
const resyncMs = 300_000;

export function startReconcileLoop(options: ReconcileLoopOptions): ReconcileLoop {
  return new LeaderReconcileLoop(options);
}

class LeaderReconcileLoop implements ReconcileLoop {
  readonly #informer: TriggerInformer;
  readonly #informers: ClusterInformers;
  readonly #kafkaPoll: KafkaPoll;
  readonly #workers: Workers;
  readonly #triggers: TriggerReconciler;
  readonly #deps: TriggerDependencies;
  readonly #resync: NodeJS.Timeout;
  #unfollow: (() => void) | undefined;
  #isStopped = false;

  constructor(options: ReconcileLoopOptions) {
    const { client, informer, namespaces, identity, kafka, backlog, log, emit, scaler, assertLeading } =
      options;
    const onError = (error: unknown): void => log.debug(errorFields(error), 'event not recorded');
    this.#informer = informer;
    this.#informers = createClusterInformers({
      client,
      table: informer.table,
      namespaces,
      onChange: (type, changes) => this.#enqueueAffected(type, changes),
      onKedaChange: () => this.resync(),
    });
    this.#kafkaPoll = createKafkaPoll({
      kafka,
      backlog,
      onChange: (key) => this.#workers.add(`trigger ${key}`),
    });
    this.#deps = createTriggerDependencies({
      client,
      informers: this.#informers,
      triggerCache: createTriggerCache(informer.table),
      kafkaPoll: this.#kafkaPoll,
      probe: options.probe,
      events: createEventRecorder({ client, instance: identity, onError }),
      log,
      emit,
      scaler,
      assertLeading,
    });
    this.#triggers = new TriggerReconciler(this.#deps);
    this.#workers = createWorkers({
      queue: createWorkQueue({ baseMs: 500, maxMs: 60_000, random: Math.random }),
      work: (key) => this.#reconcile(key),
      onWorked: (key, seconds, outcome) =>
        emit('reconciled', key.startsWith('trigger ') ? 'trigger' : 'deployment', seconds, outcome),
      onDepth: (depth) => emit('queued', depth),
      onFailure: (key, error, failures) => {
        const level = failures === 3 ? 'warn' : 'debug';
        log[level]({ item: key, ...errorFields(error), failures }, 'reconcile failed; retrying with backoff');
      },
    });
    this.#start().then(
      () => this.#workers.start(),
      () => undefined,
    );
    this.#resync = setInterval(() => {
      for (const key of this.#all()) this.#workers.addIn(key, Math.random() * resyncMs);
    }, resyncMs);
  }

  async #start(): Promise<void> {
    await this.#informers.start();
    const unfollow = await this.#informer.follow((changes) => {
      for (const change of changes) this.#take(change);
    });
    if (this.#isStopped) unfollow();
    this.#unfollow = unfollow;
  }

  resync(): void {
    for (const key of this.#all()) this.#workers.add(key);
  }

  *#all(): Iterable<string> {
    for (const key of this.#informer.table.keys()) yield `trigger ${key}`;
    for (const deployment of this.#informers.list('deployments'))
      if (hasOptedIn(deployment)) yield `deployment ${keyOf(deployment)}`;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#resync);
    this.#unfollow?.();
    this.#informers.stop();
    await Promise.all([this.#workers.stop(), this.#kafkaPoll.stop()]);
  }

  /** `queueKey` is `trigger NAMESPACE/NAME` or `deployment NAMESPACE/NAME`. */
  async #reconcile(queueKey: string): Promise<Requeue> {
    const [type = '', key = ''] = queueKey.split(' ');
    if (type === 'deployment') {
      const deployment = this.#informers.get('deployments', key);
      return deployment && (await reconcileDeployment(this.#deps, deployment));
    }
    const trigger = this.#informers.get('triggers', key);
    if (trigger === undefined) this.#triggers.forget(key);
    else if (trigger.metadata.deletionTimestamp !== undefined) return drainTrigger(this.#deps, trigger);
    else return this.#triggers.reconcile(trigger);
    return undefined;
  }

  #take(change: TriggerChange): void {
    const { key, after } = change;
    if (after?.running === undefined) this.#kafkaPoll.delete(key);
    else this.#kafkaPoll.set(after.running);
    if (isOnlyStatus(change)) return;
    this.#workers.add(`trigger ${key}`);
    if (this.#informers.get('deployments', key) !== undefined) this.#workers.add(`deployment ${key}`);
  }

  #enqueueAffected(type: WatchedType, changes: readonly ResourceChange[]): void {
    for (const change of changes) for (const key of this.#affectedBy(type, change)) this.#workers.add(key);
  }

  #affectedBy(type: WatchedType, { before, after }: ResourceChange): string[] {
    const resource = (after ?? before) as Resource;
    const { namespace = '', name, ownerReferences = [] } = resource.metadata;
    if (type !== 'deployments') {
      const owners = ownerReferences.filter(({ kind }) => kind === triggerKind.kind);
      return owners.map((owner) => `trigger ${namespace}/${owner.name}`);
    }
    const { table } = this.#informer;
    const targeting = [...table.targeting(namespace, resource.apiVersion, resource.kind, name)];
    const isAnnotated = [before, after].some((one) => one !== undefined && hasOptedIn(one));
    const key = keyOf(resource);
    return [
      ...targeting.map((trigger) => `trigger ${trigger}`),
      ...(isAnnotated || table.get(key) !== undefined ? [`deployment ${key}`, `trigger ${key}`] : []),
    ];
  }
}

/** A change of nothing but the status, which is the controller's own. A change of holders has the same entry before and after. */
function isOnlyStatus({ before, after }: TriggerChange): boolean {
  if (before === undefined || after === undefined || before === after) return false;
  const isRead = before.reading === after.reading && before.running === after.running;
  return isRead && isDeepStrictEqual(withoutVersion(before.resource), withoutVersion(after.resource));
}

function withoutVersion({ metadata: { resourceVersion: _, ...metadata } }: Resource): object {
  return metadata;
}
