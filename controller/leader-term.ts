// One term of leadership: watches, decides and does, until it is over. A term that ends leaves nothing under way.
import type { Logger } from 'pino';
import { describeError } from '../core/contract/errors.ts';
import type { KubernetesClient, Resource } from '../core/contract/kubernetes-client.ts';
import type { SecretReader } from '../core/contract/secret-reader.ts';
import type { ClustersReader } from '../core/kafka/offsets/offsets-of-clusters.ts';
import { withResolvedClusters } from '../core/kubernetes/informers/resolved-clusters.ts';
import { createClusterView, type Change, type ClusterView } from './cluster-view.ts';
import { drainTrigger } from './drain-trigger.ts';
import { createEventRecorder } from './event-recorder.ts';
import { createKafkaPoll, type KafkaPoll } from './kafka-poll.ts';
import { keyOf, triggerLabel } from './names.ts';
import { hasOptedIn } from './plan/plan-deployment.ts';
import { isDeployment } from './plan/function-condition.ts';
import type { ScalerAddress } from './plan/observed.ts';
import { createTriggerCache, type TriggerCache } from './trigger-cache.ts';
import { reconcileDeployment } from './reconcile-deployment.ts';
import {
  TriggerReconciler,
  type Requeue,
  type ScalerProbe,
  type TriggerDependencies,
} from './reconcile-trigger.ts';
import type { TriggerModel } from './trigger-model.ts';
import { createWorkQueue } from './work-queue.ts';
import { createWorkers, type Workers } from './workers.ts';

export interface LeaderTermOptions {
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
  readonly model: TriggerModel;
  readonly log: Logger;
  readonly assertLeading: () => void;
}

export interface LeaderTerm {
  /** Everything is looked at again: whatever was missed is made up for. */
  resync(): void;
  stop(): Promise<void>;
}

const resyncMs = 300_000;

export function startLeaderTerm(options: LeaderTermOptions): LeaderTerm {
  return new Term(options);
}

class Term implements LeaderTerm {
  readonly #view: ClusterView;
  readonly #triggerCache: TriggerCache;
  readonly #kafkaPoll: KafkaPoll;
  readonly #workers: Workers;
  readonly #triggers: TriggerReconciler;
  readonly #deps: TriggerDependencies;
  readonly #resync: NodeJS.Timeout;

  constructor(options: LeaderTermOptions) {
    const { client, secrets, namespaces, identity, kafka, backlog, model, log, scaler, assertLeading } =
      options;
    const onTrouble = (error: unknown): void =>
      log.debug({ error: describeError(error) }, 'Event not recorded');
    this.#triggerCache = createTriggerCache(model);
    this.#view = createClusterView({
      client: {
        ...withResolvedClusters({ client, secrets }),
        hasKind: (apiVersion, kind) => client.hasKind(apiVersion, kind),
      },
      namespaces,
      onChange: (changes) => this.#changed(changes),
      onKeda: () => this.resync(),
    });
    this.#kafkaPoll = createKafkaPoll({
      kafka,
      backlog,
      onChange: (key) => this.#workers.add(`trigger ${key}`),
    });
    this.#deps = {
      client,
      view: this.#view,
      triggerCache: this.#triggerCache,
      kafkaPoll: this.#kafkaPoll,
      probe: options.probe,
      events: createEventRecorder({ client, instance: identity, onTrouble }),
      model,
      scaler,
      assertLeading,
    };
    this.#triggers = new TriggerReconciler(this.#deps);
    this.#workers = createWorkers({
      queue: createWorkQueue({ baseMs: 500, maxMs: 60_000, random: Math.random }),
      work: (item) => this.#work(item),
      onFailure: (item, error, count) => {
        const level = count === 3 ? 'warn' : 'debug';
        log[level]({ item, error: describeError(error), failures: count }, 'Not reconciled, tried again');
      },
    });
    this.#view.start().then(
      () => this.#workers.start(),
      () => undefined,
    );
    this.#resync = setInterval(() => this.resync(), resyncMs);
  }

  resync(): void {
    for (const trigger of this.#view.all('triggers')) this.#workers.add(`trigger ${keyOf(trigger)}`);
    for (const deployment of this.#view.all('deployments'))
      if (hasOptedIn(deployment)) this.#workers.add(`deployment ${keyOf(deployment)}`);
  }

  async stop(): Promise<void> {
    clearInterval(this.#resync);
    this.#view.stop();
    await Promise.all([this.#workers.stop(), this.#kafkaPoll.stop()]);
  }

  async #work(item: string): Promise<Requeue> {
    const [of = '', key = ''] = item.split(' ');
    if (of === 'deployment') {
      const deployment = this.#view.find('deployments', key);
      return deployment && (await reconcileDeployment(this.#deps, deployment));
    }
    const trigger = this.#view.find('triggers', key);
    if (trigger === undefined) this.#triggers.forget(key);
    else if (trigger.metadata.deletionTimestamp !== undefined) return drainTrigger(this.#deps, trigger);
    else return this.#triggers.reconcile(trigger);
    return undefined;
  }

  /** Who is concerned by what has changed. */
  #changed(changes: readonly Change[]): void {
    if (changes.some(({ of }) => of === 'triggers' || of === 'clusters')) {
      this.#triggerCache.update(this.#view.all('triggers'), this.#view.all('clusters'));
      this.#kafkaPoll.want(this.#triggerCache.subscriptions());
    }
    // What one trigger has, another cannot.
    if (changes.some(isOfAll)) this.resync();
    for (const change of changes) {
      const resource = change.now ?? change.before;
      if (resource !== undefined)
        for (const item of this.#concernedBy(change, resource)) this.#workers.add(item);
    }
  }

  #concernedBy({ of, before, now }: Change, resource: Resource): string[] {
    const key = keyOf(resource);
    const { namespace = '', name, labels } = resource.metadata;
    switch (of) {
      case 'triggers':
        return [`trigger ${key}`, `deployment ${key}`];
      case 'clusters':
        return [];
      case 'deployments': {
        const targeted = this.#triggerCache
          .subscriptions()
          .filter(({ function: { target }, ...subscription }) => {
            return isDeployment(target) && target.name === name && subscription.namespace === namespace;
          });
        const isAnnotated = [before, now].some((one) => one !== undefined && hasOptedIn(one));
        return [
          ...targeted.map((subscription) => `trigger ${subscription.key}`),
          ...(isAnnotated || this.#view.find('triggers', key) !== undefined
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

/** Whether a change may concern every trigger. */
function isOfAll({ of, before, now }: Change): boolean {
  if (of === 'clusters') return true;
  return of === 'triggers' && before?.metadata.generation !== now?.metadata.generation;
}
