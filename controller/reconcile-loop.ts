// The reconcile loop: informers, work queue, workers and reconcilers, wired together. It runs while this process is the leader; once it has
// stopped, nothing is in progress any more.
import type { Logger } from 'pino';
import { errorFields } from '../core/contract/errors.ts';
import type { KubernetesClient, Resource } from '../core/contract/kubernetes-client.ts';
import type { SecretReader } from '../core/contract/secret-reader.ts';
import type { ClustersReader } from '../core/kafka/offsets/offsets-of-clusters.ts';
import { withResolvedClusters } from '../core/kubernetes/informers/resolved-clusters.ts';
import { createClusterInformers, type ClusterInformers, type ResourceChange } from './cluster-informers.ts';
import { drainTrigger } from './drain-trigger.ts';
import { createEventRecorder } from './event-recorder.ts';
import { createKafkaPoll, type KafkaPoll } from './kafka-poll.ts';
import { keyOf, triggerLabel } from './ownership.ts';
import { hasOptedIn } from './plan/plan-deployment.ts';
import { isDeployment } from './plan/function-condition.ts';
import type { ScalerAddress } from './plan/observed-state.ts';
import { createTriggerCache, type TriggerCache } from './trigger-cache.ts';
import { reconcileDeployment } from './reconcile-deployment.ts';
import {
  TriggerReconciler,
  type Requeue,
  type ScalerProbe,
  type TriggerDependencies,
} from './reconcile-trigger.ts';
import type { TriggerParser } from './trigger-parser.ts';
import { createWorkQueue } from './work-queue.ts';
import { createWorkers, type Workers } from './workers.ts';

export interface ReconcileLoopOptions {
  readonly client: KubernetesClient;
  readonly secrets: Pick<SecretReader, 'read'>;
  /** Absent: all. */
  readonly namespaces: readonly string[] | undefined;
  /** Of this process. */
  readonly identity: string;
  readonly scaler: () => ScalerAddress | undefined;
  readonly probe: ScalerProbe;
  readonly kafka: Pick<ClustersReader, 'read' | 'readGroups'>;
  /** As `Demand.backlog`. */
  readonly backlog: (key: string) => Promise<bigint>;
  readonly parser: TriggerParser;
  readonly log: Logger;
  readonly assertLeading: () => void;
}

export interface ReconcileLoop {
  /** Requeues every trigger and annotated Deployment, so that nothing stays undone that a reconcile has missed. */
  resync(): void;
  stop(): Promise<void>;
}

const resyncMs = 300_000;

export function startReconcileLoop(options: ReconcileLoopOptions): ReconcileLoop {
  return new LeaderReconcileLoop(options);
}

class LeaderReconcileLoop implements ReconcileLoop {
  readonly #informers: ClusterInformers;
  readonly #triggerCache: TriggerCache;
  readonly #kafkaPoll: KafkaPoll;
  readonly #workers: Workers;
  readonly #triggers: TriggerReconciler;
  readonly #deps: TriggerDependencies;
  readonly #resync: NodeJS.Timeout;

  constructor(options: ReconcileLoopOptions) {
    const { client, secrets, namespaces, identity, kafka, backlog, parser, log, scaler, assertLeading } =
      options;
    const onError = (error: unknown): void => log.debug(errorFields(error), 'event not recorded');
    this.#triggerCache = createTriggerCache(parser);
    this.#informers = createClusterInformers({
      client: {
        ...withResolvedClusters({ client, secrets }),
        hasKind: (apiVersion, kind) => client.hasKind(apiVersion, kind),
      },
      namespaces,
      onChange: (changes) => this.#enqueue(changes),
      onKedaChange: () => this.resync(),
    });
    this.#kafkaPoll = createKafkaPoll({
      kafka,
      backlog,
      onChange: (key) => this.#workers.add(`trigger ${key}`),
    });
    this.#deps = {
      client,
      informers: this.#informers,
      triggerCache: this.#triggerCache,
      kafkaPoll: this.#kafkaPoll,
      probe: options.probe,
      events: createEventRecorder({ client, instance: identity, onError }),
      parser,
      scaler,
      assertLeading,
    };
    this.#triggers = new TriggerReconciler(this.#deps);
    this.#workers = createWorkers({
      queue: createWorkQueue({ baseMs: 500, maxMs: 60_000, random: Math.random }),
      work: (key) => this.#reconcile(key),
      onFailure: (key, error, failures) => {
        const level = failures === 3 ? 'warn' : 'debug';
        log[level]({ item: key, ...errorFields(error), failures }, 'reconcile failed; retrying with backoff');
      },
    });
    this.#informers.start().then(
      () => this.#workers.start(),
      () => undefined,
    );
    this.#resync = setInterval(() => this.resync(), resyncMs);
  }

  resync(): void {
    for (const trigger of this.#informers.list('triggers')) this.#workers.add(`trigger ${keyOf(trigger)}`);
    for (const deployment of this.#informers.list('deployments'))
      if (hasOptedIn(deployment)) this.#workers.add(`deployment ${keyOf(deployment)}`);
  }

  async stop(): Promise<void> {
    clearInterval(this.#resync);
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

  #enqueue(changes: readonly ResourceChange[]): void {
    if (changes.some(({ type }) => type === 'triggers' || type === 'clusters')) {
      this.#triggerCache.update(this.#informers.list('triggers'), this.#informers.list('clusters'));
      this.#kafkaPoll.setSubscriptions(this.#triggerCache.subscriptions());
    }
    if (changes.some(affectsAll)) this.resync();
    for (const change of changes) {
      const resource = change.after ?? change.before;
      if (resource !== undefined)
        for (const key of this.#affectedBy(change, resource)) this.#workers.add(key);
    }
  }

  #affectedBy({ type, before, after }: ResourceChange, resource: Resource): string[] {
    const key = keyOf(resource);
    const { namespace = '', name, labels } = resource.metadata;
    switch (type) {
      case 'triggers':
        return [`trigger ${key}`, `deployment ${key}`];
      case 'clusters':
        return [];
      case 'deployments': {
        const targeting = this.#triggerCache
          .subscriptions()
          .filter(({ function: { target }, ...subscription }) => {
            return isDeployment(target) && target.name === name && subscription.namespace === namespace;
          });
        const isAnnotated = [before, after].some((one) => one !== undefined && hasOptedIn(one));
        return [
          ...targeting.map((subscription) => `trigger ${subscription.key}`),
          ...(isAnnotated || this.#informers.get('triggers', key) !== undefined
            ? [`deployment ${key}`, `trigger ${key}`]
            : []),
        ];
      }
      case 'services':
      case 'scaledObjects':
      case 'authentications': {
        const trigger = labels?.[triggerLabel];
        return trigger === undefined ? [] : [`trigger ${namespace}/${trigger}`];
      }
    }
  }
}

/** Whether a change may affect every trigger: a group or Deployment that one trigger has is not available to the others. */
function affectsAll({ type, before, after }: ResourceChange): boolean {
  if (type === 'clusters') return true;
  return type === 'triggers' && before?.metadata.generation !== after?.metadata.generation;
}
