// `millrace cleanup`, before an uninstall: deletes everything that the controller made, and removes its finalizer from Triggers, so that
// nothing waits for a controller that no longer runs. KEDA gives each workload its replicas back when its ScaledObject is deleted.
// Triggers that people wrote stay, and so does the CRD.
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../core/contract/errors.ts';
import {
  configMapKind,
  deploymentKind,
  leaseKind,
  scaledObjectKind,
  serviceKind,
  triggerAuthenticationKind,
  triggerKind,
} from '../core/resources/kinds.ts';
import { serviceNameOf } from '../core/resources/derived-names.ts';
import type { KubernetesClient, Resource, ResourceKind } from '../core/contract/kubernetes-client.ts';
import { microTime, podOwner, specOf } from '../core/kubernetes/leader-election.ts';
import { namespaceAuthenticationOf, type KubernetesConfig } from './config.ts';
import { drainFinalizer, isManaged, keyOf, managedSelector } from './ownership.ts';
import { deleteResource } from './writes/delete-resource.ts';
import { patchFinalizers } from './writes/patch-finalizers.ts';

export interface CleanupOptions {
  readonly client: KubernetesClient;
  readonly config: KubernetesConfig;
  /** Gets a line for each thing that was done. */
  readonly print: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  readonly times?: CleanupTimes | undefined;
}

/** In ms. */
export interface CleanupTimes {
  /** How long a controller may take to notice that it is no longer the leader. */
  readonly handover: number;
  /** How long KEDA may take to give workloads their replicas back. */
  readonly keda: number;
  readonly poll: number;
}

const defaultTimes: CleanupTimes = { handover: 5_000, keda: 90_000, poll: 500 };
/** For this time no scaler that still runs can take the Lease back, in seconds. */
const leaseSeconds = 600;

/** Returns whether everything was deleted in time. It prints what was not. */
export async function cleanUp(options: CleanupOptions): Promise<boolean> {
  const { client, config, print, times = defaultTimes } = options;
  if (!(await client.hasKind(triggerKind.apiVersion, triggerKind.kind))) {
    print('The CRD of Triggers is not installed in this cluster: there is nothing to remove.');
    return true;
  }
  if (await takeLease(client, config)) await delay(times.handover, undefined, { signal: options.signal });
  const { namespaces } = config;
  const triggers = await client.list(triggerKind, { namespaces });
  const hasKeda = await client.hasKind(scaledObjectKind.apiVersion, scaledObjectKind.kind);
  const areGone = !hasKeda || (await deleteScaledObjects(options, times));
  for (const { metadata } of triggers)
    await deleteManaged(client, serviceKind, metadata.namespace ?? '', serviceNameOf(metadata.name));
  await deleteAuthentications(options, triggers, hasKeda);
  for (const trigger of triggers) await removeFinalizer(client, trigger);
  for (const trigger of triggers)
    if (isManaged(trigger) && isMadeFromAnnotations(trigger)) {
      await deleteResource(client, trigger);
      print(`Trigger ${keyOf(trigger)} removed: it was made from annotations`);
    }
  return areGone;
}

/** Stops the leader. Returns false if there never was one. */
async function takeLease(client: KubernetesClient, config: KubernetesConfig): Promise<boolean> {
  const namespace = config.podNamespace ?? client.namespace ?? 'default';
  for (let attempt = 1; ; attempt++) {
    const lease = await client.get(leaseKind, namespace, config.leaseName);
    if (lease === undefined) return false;
    const now = microTime(new Date());
    // The leader's pod may be about to go, and its Lease with it: then another scaler would lead, and make everything again.
    const { ownerReferences = [] } = lease.metadata;
    const owners = [...ownerReferences, ...podOwner(config.podName, config.podUid)];
    const metadata = { ...lease.metadata, ownerReferences: owners };
    const spec = {
      ...specOf(lease),
      holderIdentity: 'cleanup',
      leaseDurationSeconds: leaseSeconds,
      acquireTime: now,
      renewTime: now,
    };
    try {
      await client.replace({ ...lease, metadata, spec });
      return true;
    } catch (error) {
      // The leader has renewed it between the read and the write.
      if (attempt === 10) throw error;
    }
  }
}

/** Deletes them all, and waits until KEDA has removed its finalizers. Returns false if it did not do so in time. */
async function deleteScaledObjects(options: CleanupOptions, times: CleanupTimes): Promise<boolean> {
  const { client, config, print, signal } = options;
  const selection = { namespaces: config.namespaces, labelSelector: managedSelector };
  const untilMs = performance.now() + times.keda;
  const printed = new Set<string>();
  for (;;) {
    const left = (await client.list(scaledObjectKind, selection)).filter(isManaged);
    if (left.length === 0) return true;
    for (const one of left) {
      if (one.metadata.deletionTimestamp === undefined) await deleteResource(client, one);
      if (!printed.has(keyOf(one)))
        print(`ScaledObject ${keyOf(one)} removed: its workload gets its replicas back`);
      printed.add(keyOf(one));
    }
    if (performance.now() >= untilMs) {
      const names = left.map(keyOf).join(', ');
      print(
        `KEDA has not finished the deletion of ${names}: their workloads get their replicas back when KEDA runs again`,
      );
      return false;
    }
    await delay(times.poll, undefined, { signal });
  }
}

/** Where a ClusterTriggerAuthentication serves all namespaces, or without TLS, there are none, and no right to look for them. */
async function deleteAuthentications(
  { client, config }: CleanupOptions,
  triggers: readonly Resource[],
  hasKeda: boolean,
): Promise<void> {
  if (config.scalerCaPath === undefined || config.clusterAuthentication !== undefined) return;
  const name = namespaceAuthenticationOf(config);
  for (const namespace of new Set(triggers.map(({ metadata }) => metadata.namespace ?? ''))) {
    if (hasKeda) await deleteManaged(client, triggerAuthenticationKind, namespace, name);
    await deleteManaged(client, configMapKind, namespace, name);
  }
}

async function deleteManaged(
  client: KubernetesClient,
  kind: ResourceKind,
  namespace: string,
  name: string,
): Promise<void> {
  const found = await client.get(kind, namespace, name);
  if (found !== undefined && isManaged(found)) await deleteResource(client, found);
}

/** Without it, a deleted Trigger would wait forever for a controller that no longer runs. */
async function removeFinalizer(client: KubernetesClient, trigger: Resource): Promise<void> {
  const { namespace = '', name } = trigger.metadata;
  for (let attempt = 1; ; attempt++) {
    const found = await client.get(triggerKind, namespace, name);
    if (found?.metadata.finalizers?.includes(drainFinalizer) !== true) return;
    try {
      await patchFinalizers(client, found, (all) => all.filter((one) => one !== drainFinalizer));
      return;
    } catch (error) {
      if (attempt === 5)
        throw new Error(`Trigger ${keyOf(found)}: ${describeError(error)}`, { cause: error });
    }
  }
}

function isMadeFromAnnotations({ metadata }: Resource): boolean {
  return metadata.ownerReferences?.some(({ kind }) => kind === deploymentKind.kind) === true;
}
