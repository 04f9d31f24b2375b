// The plan for one trigger: observed state → what to apply, what to delete, and its status. Level-triggered: it depends only on the state as it
// is now, so a missed change does no harm.
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import {
  conditionTypes,
  type ConditionType,
  type TriggerStatus,
} from '../../core/resources/trigger-status.ts';
import { drainFinalizer, isOwnedBy } from '../ownership.ts';
import { acceptedCondition } from './conditions/accepted-condition.ts';
import { conditionFalse, conditionUnknown } from './conditions/condition-state.ts';
import { deadLetterCondition } from './conditions/dead-letter-condition.ts';
import { functionCondition } from './conditions/function-condition.ts';
import { scalerCondition } from './conditions/scaler-condition.ts';
import { sourceCondition } from './conditions/source-condition.ts';
import { desiredResources } from './desired-resources.ts';
import { isUpToDate } from './drift.ts';
import type { ObservedState, OwnedResourceKey, OwnedResources } from './observed-state.ts';
import {
  backlogRange,
  conditionBefore,
  conditionsOf,
  functionText,
  statesBefore,
  statusBefore,
  statusOf,
  topicsText,
  withFailures,
  type ConditionStates,
} from './status.ts';
import { isRef } from './workload.ts';

/** What the trigger means for the TriggerAuthentication of its namespace. */
export type AuthenticationNeed =
  /** The trigger has a ScaledObject that names it, or will have one. */
  | 'needed'
  /** It may have one, but what is needed is not known now. */
  | 'kept'
  | 'unneeded';

export interface TriggerPlan {
  /** The trigger does not have the finalizer yet. */
  readonly addFinalizer: boolean;
  /** In this order. */
  readonly apply: readonly { readonly key: OwnedResourceKey; readonly resource: Resource }[];
  readonly remove: readonly Resource[];
  readonly authentication: AuthenticationNeed;
  /** A ScaledObject is applied only after the scaler has answered a probe. */
  readonly needsProbe: boolean;
  readonly status: TriggerStatus;
  /** The messages that were cut, as they were. */
  readonly cut: readonly { readonly type: ConditionType; readonly message: string }[];
}

/** For a trigger that is not being deleted. */
export function planTrigger(observed: ObservedState): TriggerPlan {
  const { trigger, parsed } = observed;
  if (parsed.kind === 'wrong') return planInvalid(observed);
  const { subscription } = parsed;
  const desired = desiredResources(observed, subscription);
  const authentication = authenticationNeed(observed, desired);
  const needsProbe = desired.scaledObject !== undefined && observed.owned.scaledObject === undefined;
  const isTrusted = authentication !== 'needed' || observed.authentication?.kind === 'ready';
  const isReady = isTrusted && (!needsProbe || observed.probeResult === true);
  return {
    addFinalizer: !(trigger.metadata.finalizers ?? []).includes(drainFinalizer),
    apply: toApply(observed, isReady ? desired : { ...desired, scaledObject: undefined }),
    remove: toRemove(observed, desired),
    authentication,
    needsProbe,
    ...statusWith(observed, conditionStatesOf(observed, subscription), {
      topics: topicsText(subscription.source),
      function: functionText(subscription.function.target),
      consumerGroup: subscription.source.consumerGroup,
      backlog: backlogRange(observed.kafka?.backlog),
    }),
  };
}

/** An invalid edit stops nothing: what was applied for the last valid one stays. But a cluster that is not granted is not read. */
function planInvalid(observed: ObservedState): TriggerPlan {
  const { trigger, parsed, owned } = observed;
  const unchecked = conditionUnknown(
    'NotAccepted',
    'Not checked, because the Trigger is not accepted: see the condition Accepted.',
  );
  const states: ConditionStates = {
    ...statesBefore(trigger, unchecked),
    Accepted: acceptedCondition(observed),
  };
  const SourceReady =
    parsed.kind === 'wrong' && parsed.reason === 'ClusterNotGranted'
      ? conditionFalse(
          parsed.reason,
          'Nothing is read, because the KafkaCluster is not granted to this namespace: see the condition Accepted.',
        )
      : states.SourceReady;
  const { topics, function: target, consumerGroup, backlog } = statusBefore(trigger);
  return {
    addFinalizer: false,
    apply: [],
    remove: [],
    authentication: owned.scaledObject === undefined ? 'unneeded' : 'kept',
    needsProbe: false,
    ...statusWith(observed, { ...states, SourceReady }, { topics, function: target, consumerGroup, backlog }),
  };
}

function conditionStatesOf(observed: ObservedState, subscription: Subscription): ConditionStates {
  const { trigger, kafka, nowMs } = observed;
  const { target } = subscription.function;
  return {
    Accepted: acceptedCondition(observed),
    SourceReady: sourceCondition(subscription, kafka, conditionBefore(trigger, 'SourceReady'), nowMs),
    FunctionReady: functionCondition(observed, target),
    ScalerReady: scalerCondition(observed, target),
    DeadLetterReady: deadLetterCondition(kafka),
  };
}

type Columns = Pick<TriggerStatus, 'topics' | 'function' | 'consumerGroup' | 'backlog'>;

function statusWith(
  observed: ObservedState,
  checked: ConditionStates,
  columns: Columns,
): Pick<TriggerPlan, 'status' | 'cut'> {
  const { trigger, nowMs, failures } = observed;
  const states = withFailures(checked, failures);
  const accepted = acceptedVersion(observed);
  return {
    status: {
      observedGeneration: trigger.metadata.generation ?? 0,
      conditions: conditionsOf(trigger, states, nowMs),
      ...(accepted === undefined ? {} : { accepted }),
      ...columns,
      replicas: replicasOf(observed),
    },
    cut: conditionTypes.flatMap((type) => {
      const message = type === 'Ready' ? undefined : states[type].whole;
      return message === undefined ? [] : [{ type, message }];
    }),
  };
}

function replicasOf({ trigger, parsed, workload }: ObservedState): number {
  if (workload?.kind === 'found') return workload.workload.replicas;
  const isKnown =
    workload !== undefined || (parsed.kind === 'right' && !isRef(parsed.subscription.function.target));
  return isKnown ? 0 : statusBefore(trigger).replicas;
}

/** A version counts from when the trigger may run with it. While a later one is wrong, it stays. */
function acceptedVersion({ trigger, parsed, groupHolder }: ObservedState): TriggerStatus['accepted'] {
  if (parsed.kind === 'wrong' || groupHolder !== undefined) return statusOf(trigger).accepted;
  const { spec, cluster } = parsed.accepted;
  return {
    generation: trigger.metadata.generation ?? 0,
    spec,
    ...(cluster === undefined ? {} : { cluster }),
  };
}

function authenticationNeed({ scaler, owned }: ObservedState, desired: OwnedResources): AuthenticationNeed {
  // Without the address of the scaler, nothing is known about what KEDA needs.
  if (scaler === undefined) return owned.scaledObject === undefined ? 'unneeded' : 'kept';
  return desired.scaledObject !== undefined && scaler.namespaceAuthentication !== undefined
    ? 'needed'
    : 'unneeded';
}

function toApply({ trigger, owned }: ObservedState, desired: OwnedResources): TriggerPlan['apply'] {
  const keys = ['service', 'scaledObject'] as const;
  return keys.flatMap((key) => {
    const [resource, found] = [desired[key], owned[key]];
    if (resource === undefined) return [];
    if (found === undefined) return [{ key, resource }];
    const isOurs = isOwnedBy(found, trigger) && found.metadata.deletionTimestamp === undefined;
    return isOurs && !isUpToDate(found, resource) ? [{ key, resource }] : [];
  });
}

/** What the trigger owns and should not. */
function toRemove({ trigger, owned, scaler, workload }: ObservedState, desired: OwnedResources): Resource[] {
  // What is not known now may be there: everything stays. So does the ScaledObject without the address of the scaler.
  const isUnknown = workload?.kind === 'forbidden';
  const keys = [...(scaler === undefined ? [] : (['scaledObject'] as const)), 'service'] as const;
  return keys.flatMap((key) => {
    const found = owned[key];
    if (isUnknown || found === undefined || desired[key] !== undefined || !isOwnedBy(found, trigger))
      return [];
    return found.metadata.deletionTimestamp === undefined ? [found] : [];
  });
}
