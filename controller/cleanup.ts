// Before an installation goes: all that its controller made is removed, and nothing is left waiting for it. Deployments get
// their replicas back, from KEDA, as each ScaledObject goes. Triggers that people wrote stay, as their definition does.
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../core/contract/errors.ts';
import { deploymentKind, leaseKind, scaledObjectKind, triggerKind } from '../core/resources/kinds.ts';
import type { KubernetesClient, Resource, ResourceKind } from '../core/contract/kubernetes-client.ts';
import { microTime, specOf } from '../core/kubernetes/leader-election.ts';
import { ownedName, drainFinalizer, isManaged, keyOf, managedSelector } from './names.ts';
import { ownedKinds, removeExactly, setFinalizers } from './reconcile-trigger.ts';
import type { KubernetesConfig } from './controller-settings.ts';

export interface CleanupOptions {
  readonly client: KubernetesClient;
  readonly config: KubernetesConfig;
  /** Told what is done, a line each. */
  readonly print: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  readonly times?: CleanupTimes | undefined;
}

/** In ms. */
export interface CleanupTimes {
  /** How long a controller may take to see that it leads no more. */
  readonly handover: number;
  /** How long KEDA may take to give Deployments their replicas back. */
  readonly keda: number;
  readonly poll: number;
}

const defaultTimes: CleanupTimes = { handover: 5_000, keda: 90_000, poll: 500 };
/** For so long no scaler that still runs takes the Lease back, in seconds. */
const heldSeconds = 600;

/** Returns whether all is gone; what is not is told. */
export async function cleanUp(options: CleanupOptions): Promise<boolean> {
  const { client, config, print, times = defaultTimes } = options;
  if (!(await client.hasKind(triggerKind.apiVersion, triggerKind.kind))) {
    print('There are no Triggers in this cluster: nothing to do.');
    return true;
  }
  if (await takeLease(client, config)) await delay(times.handover, undefined, { signal: options.signal });
  const { namespaces } = config;
  const triggers = await client.list(triggerKind, { namespaces });
  const areScaled = await client.hasKind(scaledObjectKind.apiVersion, scaledObjectKind.kind);
  const areHome = !areScaled || (await removeScaledObjects(options, times));
  for (const trigger of triggers) await removeCompanions(client, trigger, areScaled);
  for (const trigger of triggers) await letGo(client, trigger);
  for (const trigger of triggers)
    if (isManaged(trigger) && isOfDeployment(trigger)) {
      await removeExactly(client, trigger);
      print(`Trigger ${keyOf(trigger)} removed: it was made from annotations`);
    }
  return areHome;
}

/** Makes whoever leads stop. Returns false where nobody ever led. */
async function takeLease(client: KubernetesClient, config: KubernetesConfig): Promise<boolean> {
  const namespace = config.podNamespace ?? client.namespace ?? 'default';
  for (let attempt = 1; ; attempt++) {
    const lease = await client.get(leaseKind, namespace, config.leaseName);
    if (lease === undefined) return false;
    const now = microTime(new Date());
    const spec = {
      ...specOf(lease),
      holderIdentity: 'cleanup',
      leaseDurationSeconds: heldSeconds,
      acquireTime: now,
      renewTime: now,
    };
    try {
      await client.replace({ ...lease, spec });
      return true;
    } catch (error) {
      // The leader has just renewed it.
      if (attempt === 10) throw error;
    }
  }
}

/** Removes them all, and waits for KEDA; false where it did not let go of some in time. */
async function removeScaledObjects(options: CleanupOptions, times: CleanupTimes): Promise<boolean> {
  const { client, config, print, signal } = options;
  const selection = { namespaces: config.namespaces, labelSelector: managedSelector };
  const untilMs = performance.now() + times.keda;
  const told = new Set<string>();
  for (;;) {
    const left = (await client.list(scaledObjectKind, selection)).filter(isManaged);
    if (left.length === 0) return true;
    for (const one of left) {
      if (one.metadata.deletionTimestamp === undefined) await removeExactly(client, one);
      if (!told.has(keyOf(one)))
        print(`ScaledObject ${keyOf(one)} removed: its Deployment gets its replicas back`);
      told.add(keyOf(one));
    }
    if (performance.now() >= untilMs) {
      const names = left.map(keyOf).join(', ');
      print(`KEDA has not let go of ${names}: it gives the replicas back when it runs again`);
      return false;
    }
    await delay(times.poll, undefined, { signal });
  }
}

async function removeCompanions(
  client: KubernetesClient,
  trigger: Resource,
  areScaled: boolean,
): Promise<void> {
  const { name, namespace = '' } = trigger.metadata;
  const kinds: ResourceKind[] = [ownedKinds.service, ownedKinds.ca];
  if (areScaled) kinds.push(ownedKinds.authentication);
  for (const kind of kinds) {
    const found = await client.get(kind, namespace, ownedName(name));
    if (found !== undefined && isManaged(found)) await removeExactly(client, found);
  }
}

/** The finalizer goes: nobody would be there to take it off. */
async function letGo(client: KubernetesClient, trigger: Resource): Promise<void> {
  const { namespace = '', name } = trigger.metadata;
  for (let attempt = 1; ; attempt++) {
    const found = await client.get(triggerKind, namespace, name);
    if (found?.metadata.finalizers?.includes(drainFinalizer) !== true) return;
    try {
      await setFinalizers(client, found, (all) => all.filter((one) => one !== drainFinalizer));
      return;
    } catch (error) {
      if (attempt === 5)
        throw new Error(`Trigger ${keyOf(found)}: ${describeError(error)}`, { cause: error });
    }
  }
}

function isOfDeployment({ metadata }: Resource): boolean {
  return metadata.ownerReferences?.some(({ kind }) => kind === deploymentKind.kind) === true;
}
