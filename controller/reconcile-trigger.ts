// One trigger, brought to where it should be: looks, decides by plan-trigger.ts, and does what was decided.
import { describeError, MillraceError } from '../core/contract/errors.ts';
import {
  configMapKind,
  scaledObjectKind,
  serviceKind,
  triggerAuthenticationKind,
  triggerKind,
} from '../core/resources/kinds.ts';
import type { KubernetesClient, Resource, ResourceKind } from '../core/contract/kubernetes-client.ts';
import type { ClusterView } from './cluster-view.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { KafkaPoll } from './kafka-poll.ts';
import { ownedName, drainFinalizer, fieldManager, isMadeFor, keyOf } from './names.ts';
import { hasOptedIn } from './plan/plan-deployment.ts';
import { isDeployment } from './plan/function-condition.ts';
import { conditionEventsOf } from './plan/condition-events.ts';
import type { OwnedResourceName, OwnedResources, Observed, Reading, ScalerAddress } from './plan/observed.ts';
import { plan, type Plan } from './plan/plan-trigger.ts';
import { quietMs, statusOf, toWrite } from './plan/status.ts';
import type { TriggerCache } from './trigger-cache.ts';
import type { TriggerModel } from './trigger-model.ts';
import { applyResource } from './apply-resource.ts';

/** Asks the scaler where KEDA will call it: KEDA waits long before it tries again what did not answer at first. */
export interface ScalerProbe {
  /** True where the scaler knows the trigger, else why not. Never rejects. */
  ask(scaler: ScalerAddress, namespace: string, trigger: string): Promise<true | string>;
}

export interface TriggerDependencies {
  readonly client: KubernetesClient;
  readonly view: ClusterView;
  readonly triggerCache: TriggerCache;
  readonly kafkaPoll: KafkaPoll;
  readonly probe: ScalerProbe;
  readonly events: EventRecorder;
  readonly model: TriggerModel;
  readonly scaler: () => ScalerAddress | undefined;
  /** Throws where this process does not lead any more: nothing may be written then. */
  readonly assertLeading: () => void;
}

/** When to look again, in ms, without anything having changed; undefined: at the next resync. */
export type Requeue = { readonly inMs: number } | 'failed' | undefined;

export const ownedKinds: Readonly<Record<OwnedResourceName, ResourceKind>> = {
  service: serviceKind,
  scaledObject: scaledObjectKind,
  authentication: triggerAuthenticationKind,
  ca: configMapKind,
};

const probeAgainMs = 2_000;
/** What is not watched, for we did not make it, is looked at again so soon where all waits for it to come or go. */
const foreignAgainMs = 5_000;

export class TriggerReconciler {
  readonly #deps: TriggerDependencies;
  /** When the status of each was last written, by `performance.now()`. */
  readonly #writtenMs = new Map<string, number>();

  constructor(dependencies: TriggerDependencies) {
    this.#deps = dependencies;
  }

  /** For a trigger that is not being deleted. Rejects where the API server does not do what it should. */
  async reconcile(trigger: Resource): Promise<Requeue> {
    const { triggerCache, probe } = this.#deps;
    const reading = triggerCache.of(trigger);
    if (reading === undefined) return { inMs: 0 };
    let observed = await this.#observe(trigger, reading);
    let decided = plan(observed);
    if (decided.needsScaler && observed.scaler !== undefined) {
      const { name, namespace = '' } = trigger.metadata;
      const scalerAnswers = await probe.ask(observed.scaler, namespace, name);
      observed = { ...observed, scalerAnswers };
      decided = plan(observed);
    }
    const done = await this.#execute(observed, decided);
    const { status } = done === observed ? decided : plan(done);
    const written = await this.#writeStatus(trigger, status);
    if (done.refusals.size > 0) return 'failed';
    if (decided.needsScaler && observed.scalerAnswers !== true) return { inMs: probeAgainMs };
    if (waitsForOthers(done)) return { inMs: foreignAgainMs };
    return written === 'later' ? { inMs: quietMs } : undefined;
  }

  forget(key: string): void {
    this.#writtenMs.delete(key);
  }

  async #observe(trigger: Resource, reading: Reading): Promise<Observed> {
    const { view, triggerCache, kafkaPoll, scaler } = this.#deps;
    const key = keyOf(trigger);
    const namespace = trigger.metadata.namespace ?? '';
    // As old as the reading: of a trigger that is edited meanwhile nothing is known any more.
    const kafka = kafkaPoll.facts(key);
    const subscription = reading.kind === 'right' ? reading.subscription : undefined;
    const target = subscription?.function.target;
    const deployment =
      target !== undefined && isDeployment(target)
        ? view.find('deployments', `${namespace}/${target.name}`)
        : undefined;
    const namesake = view.find('deployments', key);
    const shadows = namesake !== undefined && hasOptedIn(namesake) && !isMadeFor(trigger, namesake);
    return {
      nowMs: Date.now(),
      trigger,
      reading,
      groupOf: subscription && triggerCache.holders.groupOf(subscription),
      targetOf: subscription && triggerCache.holders.targetOf(subscription),
      shadows,
      deployment,
      serviceThere:
        target?.kind === 'service' ? await this.#isServiceThere(namespace, target.name) : undefined,
      owned: await this.#owned(trigger, deployment !== undefined),
      refusals: new Map(),
      kafka,
      hasKeda: view.hasKeda,
      scaler: scaler(),
      scalerAnswers: undefined,
    };
  }

  async #isServiceThere(namespace: string, name: string): Promise<boolean> {
    return (await this.#deps.client.get(serviceKind, namespace, name)) !== undefined;
  }

  /** What was made is watched; what somebody else put in its place is only looked for where it would be in the way. */
  async #owned(trigger: Resource, areWanted: boolean): Promise<OwnedResources> {
    const { client, view, scaler } = this.#deps;
    const { name, namespace = '' } = trigger.metadata;
    const ownedResource = ownedName(name);
    const there = async (kind: ResourceKind, known: Resource | undefined, at: string, needed: boolean) =>
      known ?? (needed ? client.get(kind, namespace, at) : undefined);
    const known = {
      service: view.find('services', `${namespace}/${ownedResource}`),
      scaledObject: view.find('scaledObjects', `${namespace}/${name}`),
      authentication: view.find('authentications', `${namespace}/${ownedResource}`),
    };
    const scales = areWanted && view.hasKeda;
    const { ca: trust, clusterAuthentication } = scaler() ?? {};
    const secured = scales && trust !== undefined && clusterAuthentication === undefined;
    const [service, scaledObject, authentication, ca] = await Promise.all([
      there(serviceKind, known.service, ownedResource, areWanted),
      there(scaledObjectKind, known.scaledObject, name, scales),
      there(triggerAuthenticationKind, known.authentication, ownedResource, secured),
      // Of ConfigMaps nothing is watched: they are too many, and none of our business.
      there(configMapKind, undefined, ownedResource, secured || known.authentication !== undefined),
    ]);
    return { service, scaledObject, authentication, ca };
  }

  /** Returns what is so afterwards. */
  async #execute(observed: Observed, { addFinalizer, apply, remove }: Plan): Promise<Observed> {
    const { client, assertLeading } = this.#deps;
    assertLeading();
    if (addFinalizer) await setFinalizers(client, observed.trigger, (all) => [...all, drainFinalizer]);
    const owned: { -readonly [name in OwnedResourceName]: OwnedResources[name] } = { ...observed.owned };
    for (const resource of remove) {
      assertLeading();
      await removeExactly(client, resource);
    }
    const refusals = new Map<OwnedResourceName, string>();
    for (const { name, resource } of apply) {
      assertLeading();
      try {
        owned[name] = await applyResource(client, observed.owned[name], resource);
      } catch (error) {
        if (!isRefusal(error, observed.owned[name])) throw error;
        refusals.set(name, describeError(error));
        // What follows needs it.
        break;
      }
    }
    return apply.length === 0 ? observed : { ...observed, owned, refusals };
  }

  async #writeStatus(trigger: Resource, status: Plan['status']): Promise<'now' | 'later' | 'never'> {
    const { client, events, assertLeading } = this.#deps;
    const key = keyOf(trigger);
    const writtenMs = this.#writtenMs.get(key);
    const verdict = toWrite(
      trigger,
      status,
      writtenMs === undefined ? undefined : performance.now() - writtenMs,
    );
    if (verdict !== 'now') return verdict;
    assertLeading();
    const { name, namespace = '' } = trigger.metadata;
    await client.apply(
      { apiVersion: triggerKind.apiVersion, kind: triggerKind.kind, metadata: { name, namespace }, status },
      { fieldManager, force: true, subresource: 'status' },
    );
    this.#writtenMs.set(key, performance.now());
    for (const news of conditionEventsOf(statusOf(trigger).conditions ?? [], status.conditions))
      events.record(trigger, news);
    return 'now';
  }
}

/** Whether something that somebody else made is in the way, or a Service that somebody else is to make is not there. */
function waitsForOthers({ trigger, owned, serviceThere }: Observed): boolean {
  const isForeign = (found: Resource | undefined): boolean =>
    found !== undefined && !isMadeFor(found, trigger);
  return serviceThere === false || Object.values(owned).some(isForeign);
}

/** The API server has understood, and will not: another try as it is brings the same. Of what was `found`, a conflict passes. */
export function isRefusal(error: unknown, found: Resource | undefined): error is MillraceError {
  if (!(error instanceof MillraceError)) return false;
  if (error.code === 'MILLRACE_KUBERNETES_CONFLICT') return found === undefined;
  return ['MILLRACE_KUBERNETES_INVALID', 'MILLRACE_KUBERNETES_FORBIDDEN'].includes(error.code);
}

/** Changes the finalizers, unless the trigger was changed meanwhile: MILLRACE_KUBERNETES_CONFLICT. One that is gone is fine. */
export async function setFinalizers(
  client: Pick<KubernetesClient, 'patch'>,
  { metadata }: Resource,
  change: (all: readonly string[]) => readonly string[],
): Promise<void> {
  const { namespace = '', name, resourceVersion, finalizers = [] } = metadata;
  try {
    await client.patch(triggerKind, namespace, name, {
      metadata: { resourceVersion, finalizers: change(finalizers) },
    });
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === 'MILLRACE_KUBERNETES_MISSING')) throw error;
  }
}

/** Removes this one, and no other that has taken its name. */
export async function removeExactly(
  client: Pick<KubernetesClient, 'remove'>,
  resource: Resource,
): Promise<void> {
  const { namespace = '', name, uid } = resource.metadata;
  const kinds = [...Object.values(ownedKinds), triggerKind];
  const kind = kinds.find((one) => one.kind === resource.kind && one.apiVersion === resource.apiVersion);
  if (kind === undefined) throw new TypeError(`${resource.kind} is nothing that the controller makes`);
  await client.remove(kind, namespace, name, {
    ...(uid === undefined ? {} : { uid }),
    propagation: 'Background',
  });
}
