// A Trigger that is being deleted: its gateways let go of it first, then KEDA gives the Deployment its replicas back, then it
// is gone, and with it all that it owns.
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { drainFinalizer } from '../names.ts';

/** So long each of the two is waited for, from the deletion on, in ms; what is slower than that goes on without us. */
export const drainLimitMs = 60_000;
const lookAgainMs = 1_000;

export interface DrainObserved {
  readonly nowMs: number;
  readonly trigger: Resource;
  /** Members of the consumer group; undefined where that is unknown. 0 where no group is known at all. */
  readonly members: number | undefined;
  /** Made for the trigger, and still there. */
  readonly scaledObject: Resource | undefined;
}

export type DrainStep =
  /** Not ours to hold up. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'wait'; readonly forMs: number; readonly why: string }
  | { readonly kind: 'removeScaledObject'; readonly resource: Resource; readonly late: string | undefined }
  | { readonly kind: 'release'; readonly late: string | undefined };

/** `late` says what was not waited for any longer. */
export function planDrain({ nowMs, trigger, members, scaledObject }: DrainObserved): DrainStep {
  const { finalizers = [], deletionTimestamp } = trigger.metadata;
  if (!finalizers.includes(drainFinalizer)) return { kind: 'nothing' };
  const waitedMs = nowMs - Date.parse(deletionTimestamp ?? '');
  const isLate = (limitMs: number): boolean => !(waitedMs < limitMs);
  if (members !== 0 && !isLate(drainLimitMs))
    return { kind: 'wait', forMs: lookAgainMs, why: 'gateways finish what is in flight' };
  const unsettled =
    members === 0 ? undefined : 'Gateways still have partitions of it; they let go of them by themselves.';
  if (scaledObject === undefined) return { kind: 'release', late: unsettled };
  if (scaledObject.metadata.deletionTimestamp === undefined)
    return { kind: 'removeScaledObject', resource: scaledObject, late: unsettled };
  if (!isLate(2 * drainLimitMs))
    return { kind: 'wait', forMs: lookAgainMs, why: 'KEDA gives the Deployment its replicas back' };
  const late = `KEDA has not let go of ScaledObject ${scaledObject.metadata.name}: the Deployment gets its replicas back when KEDA runs again.`;
  return { kind: 'release', late };
}
