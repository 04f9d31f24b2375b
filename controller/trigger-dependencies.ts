// What the reconcilers of one reconcile loop share.
import type { Logger } from 'pino';
import type { KubernetesClient } from '../core/contract/kubernetes-client.ts';
import type { ClusterInformers } from './cluster-informers.ts';
import type { EmitController } from './controller-events.ts';
import type { KafkaPoll } from './kafka-poll.ts';
import { keyOf } from './ownership.ts';
import type { ScalerAddress } from './plan/observed-state.ts';
import { namesAuthentication } from './plan/scaler-authentication.ts';
import { createTerminatingNamespaces, type TerminatingNamespaces } from './terminating-namespaces.ts';
import type { TriggerCache } from './trigger-cache.ts';
import type { EventRecorder } from './writes/event-recorder.ts';
import {
  createScalerAuthentications,
  type ScalerAuthentications,
  type TriggerPlace,
} from './writes/scaler-authentications.ts';
import { StatusWriter } from './writes/status-writer.ts';

/** Calls the scaler at the address that KEDA will use. If KEDA's own first call fails, KEDA waits long before it tries again. */
export interface ScalerProbe {
  /** True if the scaler knows the trigger, else the reason why not. Never rejects. */
  ask(scaler: ScalerAddress, namespace: string, trigger: string): Promise<true | string>;
}

/** What the reconcile loop has. */
export interface LoopDependencies {
  readonly client: KubernetesClient;
  readonly informers: Pick<ClusterInformers, 'get' | 'list' | 'hasKeda'>;
  readonly triggerCache: TriggerCache;
  readonly kafkaPoll: KafkaPoll;
  readonly probe: ScalerProbe;
  readonly events: EventRecorder;
  readonly log: Logger;
  readonly emit: EmitController;
  readonly scaler: () => ScalerAddress | undefined;
  /** Throws if this process is no longer the leader. To be called before every write. */
  readonly assertLeading: () => void;
}

export interface TriggerDependencies extends LoopDependencies {
  readonly authentications: ScalerAuthentications;
  readonly terminating: TerminatingNamespaces;
  readonly statuses: StatusWriter;
}

/** When to reconcile again although nothing has changed; `failed`: with backoff; undefined: at the next resync. */
export type Requeue = { readonly afterMs: number } | 'failed' | undefined;

export function createTriggerDependencies(loop: LoopDependencies): TriggerDependencies {
  const { client, informers, assertLeading } = loop;
  return {
    ...loop,
    authentications: createScalerAuthentications({
      client,
      isNamedByOthers: (trigger, name) => isNamedByOthers(informers, trigger, name),
      assertLeading,
      now: () => performance.now(),
    }),
    terminating: createTerminatingNamespaces(client),
    statuses: new StatusWriter(loop),
  };
}

/** A trigger that is being deleted needs none, whatever KEDA still does with its ScaledObject. */
function isNamedByOthers(
  informers: LoopDependencies['informers'],
  { namespace, name }: TriggerPlace,
  authentication: string,
): boolean {
  return informers.list('scaledObjects').some((scaledObject) => {
    const { metadata } = scaledObject;
    if (metadata.namespace !== namespace || !namesAuthentication(scaledObject, authentication)) return false;
    return (metadata.ownerReferences ?? []).some((owner) => {
      const trigger = informers.get('triggers', `${namespace}/${owner.name}`);
      if (trigger === undefined || keyOf(trigger) === `${namespace}/${name}`) return false;
      return trigger.metadata.deletionTimestamp === undefined;
    });
  });
}
