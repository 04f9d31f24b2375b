// Reconciles one trigger: observes it, lets plan/plan-trigger.ts decide, carries out the plan and writes the status.
import { describeError } from '../core/contract/errors.ts';
import {
  configMapKind,
  scaledObjectKind,
  serviceKind,
  triggerAuthenticationKind,
  triggerKind,
} from '../core/resources/kinds.ts';
import type { KubernetesClient, Resource, ResourceKind } from '../core/contract/kubernetes-client.ts';
import { applyResource, isRefusal } from './apply-resource.ts';
import type { ClusterInformers } from './cluster-informers.ts';
import { deleteResource } from './delete-resource.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { KafkaPoll } from './kafka-poll.ts';
import { drainFinalizer, fieldManager, isOwnedBy, keyOf, ownedResourceName } from './ownership.ts';
import { patchFinalizers } from './patch-finalizers.ts';
import { hasOptedIn } from './plan/plan-deployment.ts';
import { isDeployment } from './plan/function-condition.ts';
import { conditionEventsOf } from './plan/condition-events.ts';
import type {
  ObservedState,
  OwnedResourceKey,
  OwnedResources,
  ParsedTrigger,
  ScalerAddress,
} from './plan/observed-state.ts';
import { planTrigger, type TriggerPlan } from './plan/plan-trigger.ts';
import { statusIntervalMs, statusOf, whenToWriteStatus } from './plan/status.ts';
import type { TriggerCache } from './trigger-cache.ts';
import type { TriggerParser } from './trigger-parser.ts';

/** Calls the scaler at the address that KEDA will use. If KEDA's own first call fails, KEDA waits long before it tries again. */
export interface ScalerProbe {
  /** True if the scaler knows the trigger, else the reason why not. Never rejects. */
  ask(scaler: ScalerAddress, namespace: string, trigger: string): Promise<true | string>;
}

export interface TriggerDependencies {
  readonly client: KubernetesClient;
  readonly informers: ClusterInformers;
  readonly triggerCache: TriggerCache;
  readonly kafkaPoll: KafkaPoll;
  readonly probe: ScalerProbe;
  readonly events: EventRecorder;
  readonly parser: TriggerParser;
  readonly scaler: () => ScalerAddress | undefined;
  /** Throws if this process is no longer the leader. To be called before every write. */
  readonly assertLeading: () => void;
}

/** When to reconcile again although nothing has changed; `failed`: with backoff; undefined: at the next resync. */
export type Requeue = { readonly afterMs: number } | 'failed' | undefined;

const probeRetryMs = 2_000;
/** Resources that the controller did not make are not watched: while a trigger waits for one, it is reconciled at this interval. */
const foreignRetryMs = 5_000;

export class TriggerReconciler {
  readonly #deps: TriggerDependencies;
  /** When the status of each trigger was last written, by `performance.now()`. */
  readonly #writtenMs = new Map<string, number>();

  constructor(dependencies: TriggerDependencies) {
    this.#deps = dependencies;
  }

  /** For a trigger that is not being deleted. Rejects if a request to the API server fails, unless it is a refusal for the status. */
  async reconcile(trigger: Resource): Promise<Requeue> {
    const { triggerCache, probe } = this.#deps;
    const parsed = triggerCache.get(trigger);
    if (parsed === undefined) return { afterMs: 0 };
    let observed = await this.#observe(trigger, parsed);
    let plan = planTrigger(observed);
    if (plan.needsProbe && observed.scaler !== undefined) {
      const { name, namespace = '' } = trigger.metadata;
      const probeResult = await probe.ask(observed.scaler, namespace, name);
      observed = { ...observed, probeResult };
      plan = planTrigger(observed);
    }
    const after = await this.#execute(observed, plan);
    const { status } = after === observed ? plan : planTrigger(after);
    const written = await this.#writeStatus(trigger, status);
    if (after.refusals.size > 0) return 'failed';
    if (plan.needsProbe && observed.probeResult !== true) return { afterMs: probeRetryMs };
    if (waitsForForeign(after)) return { afterMs: foreignRetryMs };
    return written === 'later' ? { afterMs: statusIntervalMs } : undefined;
  }

  forget(key: string): void {
    this.#writtenMs.delete(key);
  }

  async #observe(trigger: Resource, parsed: ParsedTrigger): Promise<ObservedState> {
    const { informers, triggerCache, kafkaPoll, scaler } = this.#deps;
    const key = keyOf(trigger);
    const namespace = trigger.metadata.namespace ?? '';
    // Read before the first await, so that it belongs to this edit: another edit may make the poll forget the trigger.
    const kafka = kafkaPoll.state(key);
    const subscription = parsed.kind === 'right' ? parsed.subscription : undefined;
    const target = subscription?.function.target;
    const deployment =
      target !== undefined && isDeployment(target)
        ? informers.get('deployments', `${namespace}/${target.name}`)
        : undefined;
    const namesake = informers.get('deployments', key);
    const annotationsIgnored =
      namesake !== undefined && hasOptedIn(namesake) && !isOwnedBy(trigger, namesake);
    return {
      nowMs: Date.now(),
      trigger,
      parsed,
      groupHolder: subscription && triggerCache.conflicts.groupHolder(subscription),
      deploymentHolder: subscription && triggerCache.conflicts.deploymentHolder(subscription),
      annotationsIgnored,
      deployment,
      serviceExists:
        target?.kind === 'service' ? await this.#serviceExists(namespace, target.name) : undefined,
      owned: await this.#observeOwned(trigger, deployment !== undefined),
      refusals: new Map(),
      kafka,
      hasKeda: informers.hasKeda,
      scaler: scaler(),
      probeResult: undefined,
    };
  }

  async #serviceExists(namespace: string, name: string): Promise<boolean> {
    return (await this.#deps.client.get(serviceKind, namespace, name)) !== undefined;
  }

  /** The informers know only what the controller made. Whether somebody else's resource has the name, the API server is asked if it matters. */
  async #observeOwned(trigger: Resource, isNeeded: boolean): Promise<OwnedResources> {
    const { client, informers, scaler } = this.#deps;
    const { name, namespace = '' } = trigger.metadata;
    const resourceName = ownedResourceName(name);
    const find = async (kind: ResourceKind, cached: Resource | undefined, at: string, needed: boolean) =>
      cached ?? (needed ? client.get(kind, namespace, at) : undefined);
    const cached = {
      service: informers.get('services', `${namespace}/${resourceName}`),
      scaledObject: informers.get('scaledObjects', `${namespace}/${name}`),
      authentication: informers.get('authentications', `${namespace}/${resourceName}`),
    };
    const isScaled = isNeeded && informers.hasKeda;
    const { ca: scalerCa, clusterAuthentication } = scaler() ?? {};
    const needsCa = isScaled && scalerCa !== undefined && clusterAuthentication === undefined;
    const [service, scaledObject, authentication, ca] = await Promise.all([
      find(serviceKind, cached.service, resourceName, isNeeded),
      find(scaledObjectKind, cached.scaledObject, name, isScaled),
      find(triggerAuthenticationKind, cached.authentication, resourceName, needsCa),
      // ConfigMaps are not watched: a cluster has too many, and almost none of them is ours.
      find(configMapKind, undefined, resourceName, needsCa || cached.authentication !== undefined),
    ]);
    return { service, scaledObject, authentication, ca };
  }

  /** Returns the observed state after the writes; the same object if nothing was applied. */
  async #execute(
    observed: ObservedState,
    { addFinalizer, apply, remove }: TriggerPlan,
  ): Promise<ObservedState> {
    const { client, assertLeading } = this.#deps;
    assertLeading();
    if (addFinalizer) await patchFinalizers(client, observed.trigger, (all) => [...all, drainFinalizer]);
    const owned: { -readonly [key in OwnedResourceKey]: OwnedResources[key] } = { ...observed.owned };
    for (const resource of remove) {
      assertLeading();
      await deleteResource(client, resource);
    }
    const refusals = new Map<OwnedResourceKey, string>();
    for (const { key, resource } of apply) {
      assertLeading();
      try {
        owned[key] = await applyResource(client, observed.owned[key], resource);
      } catch (error) {
        if (!isRefusal(error, observed.owned[key])) throw error;
        refusals.set(key, describeError(error));
        // The resources after this one depend on it.
        break;
      }
    }
    return apply.length === 0 ? observed : { ...observed, owned, refusals };
  }

  async #writeStatus(trigger: Resource, status: TriggerPlan['status']): Promise<'now' | 'later' | 'never'> {
    const { client, events, assertLeading } = this.#deps;
    const key = keyOf(trigger);
    const writtenMs = this.#writtenMs.get(key);
    const due = whenToWriteStatus(
      trigger,
      status,
      writtenMs === undefined ? undefined : performance.now() - writtenMs,
    );
    if (due !== 'now') return due;
    assertLeading();
    const { name, namespace = '' } = trigger.metadata;
    await client.apply(
      { apiVersion: triggerKind.apiVersion, kind: triggerKind.kind, metadata: { name, namespace }, status },
      { fieldManager, force: true, subresource: 'status' },
    );
    this.#writtenMs.set(key, performance.now());
    for (const event of conditionEventsOf(statusOf(trigger).conditions ?? [], status.conditions))
      events.record(trigger, event);
    return 'now';
  }
}

/** Whether a resource of somebody else has a name that the controller needs, or a Service that somebody else must create does not exist. */
function waitsForForeign({ trigger, owned, serviceExists }: ObservedState): boolean {
  const isForeign = (found: Resource | undefined): boolean =>
    found !== undefined && !isOwnedBy(found, trigger);
  return serviceExists === false || Object.values(owned).some(isForeign);
}
