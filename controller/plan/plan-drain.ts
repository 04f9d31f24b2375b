// What to do about a Trigger that is being deleted. First its gateways leave the consumer group, then KEDA gives the workload its replicas
// back, and only then is the finalizer removed. Kubernetes then deletes the Trigger and everything that it owns.
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { drainFinalizer } from '../ownership.ts';

/** How long each of the two steps is waited for, counted from the deletion, in ms. Afterwards the deletion goes on without it. */
export const drainLimitMs = 60_000;
const recheckMs = 1_000;

export interface ObservedDrain {
  readonly nowMs: number;
  readonly trigger: Resource;
  /** Members of the consumer group; undefined if unknown, 0 if the trigger never had a group. */
  readonly members: number | undefined;
  /** The one that the trigger owns, while it exists. */
  readonly scaledObject: Resource | undefined;
  /** Its namespace is being deleted, and everything in it. */
  readonly isTerminating: boolean;
}

export type DrainStep =
  /** It does not have our finalizer. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'wait'; readonly afterMs: number; readonly reason: string }
  | {
      readonly kind: 'deleteScaledObject';
      readonly resource: Resource;
      readonly timeoutNote: string | undefined;
    }
  | { readonly kind: 'removeFinalizer'; readonly timeoutNote: string | undefined };

/** `timeoutNote` says what the controller no longer waits for. */
export function planDrain(observed: ObservedDrain): DrainStep {
  const { nowMs, trigger, members, scaledObject, isTerminating } = observed;
  const { finalizers = [], deletionTimestamp } = trigger.metadata;
  if (!finalizers.includes(drainFinalizer)) return { kind: 'nothing' };
  // The function is deleted with the namespace, so there is nothing to hand over in order.
  if (isTerminating) return { kind: 'removeFinalizer', timeoutNote: undefined };
  const waitedMs = nowMs - Date.parse(deletionTimestamp ?? '');
  // Written so that an unreadable time counts as a timeout.
  const hasTimedOut = (limitMs: number): boolean => !(waitedMs < limitMs);
  if (members !== 0 && !hasTimedOut(drainLimitMs))
    return { kind: 'wait', afterMs: recheckMs, reason: 'gateways finish what is in flight' };
  const groupNote =
    members === 0
      ? undefined
      : 'Gateways may still be in the consumer group, but Millrace no longer waits for them. They leave it by themselves.';
  if (scaledObject === undefined) return { kind: 'removeFinalizer', timeoutNote: groupNote };
  if (scaledObject.metadata.deletionTimestamp === undefined)
    return { kind: 'deleteScaledObject', resource: scaledObject, timeoutNote: groupNote };
  if (!hasTimedOut(2 * drainLimitMs))
    return { kind: 'wait', afterMs: recheckMs, reason: 'KEDA gives the workload its replicas back' };
  const timeoutNote = `KEDA has not finished the deletion of ScaledObject ${scaledObject.metadata.name}, but Millrace no longer waits for it. The workload gets its replicas back when KEDA runs again.`;
  return { kind: 'removeFinalizer', timeoutNote };
}
