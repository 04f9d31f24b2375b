// The plan for one trigger: observed state → what to apply, what to delete, and its status. Level-triggered: it depends only on the state as it
// is now, so a missed change does no harm.
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../core/contract/path.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { TriggerStatus } from '../../core/resources/trigger-status.ts';
import { drainFinalizer, isOwnedBy } from '../ownership.ts';
import { desiredResources } from './desired-resources.ts';
import { isUpToDate } from './drift.ts';
import { namesOwnAuthentication } from './scaled-object.ts';
import { conditionFalse, conditionUnknown } from './condition-state.ts';
import { acceptedCondition } from './accepted-condition.ts';
import { isDeployment, functionCondition } from './function-condition.ts';
import { scalerCondition } from './scaler-condition.ts';
import { sourceCondition } from './source-condition.ts';
import { deadLetterCondition } from './dead-letter-condition.ts';
import type { OwnedResourceKey, OwnedResources, ConditionState, ObservedState } from './observed-state.ts';
import {
  backlogRange,
  conditionBefore,
  conditionsOf,
  functionText,
  replicasOf,
  statusOf,
  topicsText,
  type ConditionStates,
} from './status.ts';

export interface TriggerPlan {
  /** The trigger does not have the finalizer yet. */
  readonly addFinalizer: boolean;
  /** In this order. */
  readonly apply: readonly { readonly key: OwnedResourceKey; readonly resource: Resource }[];
  readonly remove: readonly Resource[];
  readonly status: TriggerStatus;
  /** A ScaledObject is applied only after the scaler has answered a probe. */
  readonly needsProbe: boolean;
}

const none: OwnedResources = {
  service: undefined,
  ca: undefined,
  authentication: undefined,
  scaledObject: undefined,
};

/** For a trigger that is not being deleted. */
export function planTrigger(observed: ObservedState): TriggerPlan {
  const { trigger, parsed } = observed;
  if (parsed.kind === 'wrong') return planInvalid(observed);
  const { subscription } = parsed;
  const desired = desiredOf(observed, subscription);
  const needsProbe = desired.scaledObject !== undefined && observed.owned.scaledObject === undefined;
  const ready =
    needsProbe && observed.probeResult !== true ? { ...desired, scaledObject: undefined } : desired;
  return {
    addFinalizer: !(trigger.metadata.finalizers ?? []).includes(drainFinalizer),
    apply: toApply(observed, ready),
    remove: toRemove(observed, desired),
    needsProbe,
    status: {
      observedGeneration: trigger.metadata.generation ?? 0,
      conditions: conditionsOf(trigger, conditionStatesOf(observed, subscription), observed.nowMs),
      topics: topicsText(subscription.source),
      function: functionText(subscription.function.target),
      consumerGroup: subscription.source.consumerGroup,
      backlog: backlogRange(observed.kafka?.backlog),
      replicas: replicasOf(observed.deployment),
    },
  };
}

/** An invalid edit stops nothing: what was applied for the last valid one stays. But a cluster that is not granted is not read. */
function planInvalid(observed: ObservedState): TriggerPlan {
  const { trigger, parsed, deployment, nowMs } = observed;
  const rest = (type: Exclude<keyof ConditionStates, 'Accepted'>): ConditionState => {
    const before = conditionBefore(trigger, type);
    return (
      before ??
      conditionUnknown(
        'NotAccepted',
        'Not checked, because the Trigger is not accepted: see the condition Accepted.',
      )
    );
  };
  const states: ConditionStates = {
    Accepted: acceptedCondition(observed),
    SourceReady:
      parsed.kind === 'wrong' && parsed.reason === 'ClusterNotGranted'
        ? conditionFalse(
            parsed.reason,
            'Nothing is read, because the KafkaCluster is not granted to this namespace: see the condition Accepted.',
          )
        : rest('SourceReady'),
    FunctionReady: rest('FunctionReady'),
    ScalerReady: rest('ScalerReady'),
    DeadLetterReady: rest('DeadLetterReady'),
  };
  const before = statusOf(trigger);
  return {
    addFinalizer: false,
    apply: [],
    remove: [],
    needsProbe: false,
    status: {
      observedGeneration: trigger.metadata.generation ?? 0,
      conditions: conditionsOf(trigger, states, nowMs),
      topics: before.topics ?? specTopics(trigger),
      function: before.function ?? '',
      consumerGroup: before.consumerGroup ?? '',
      backlog: before.backlog ?? 'unknown',
      replicas: replicasOf(deployment),
    },
  };
}

function specTopics(trigger: Resource): string {
  const topics = valueAt(trigger, ['spec', 'source', 'topics']);
  if (Array.isArray(topics)) return topics.join(', ');
  const pattern = valueAt(trigger, ['spec', 'source', 'topicPattern']);
  return typeof pattern === 'string' ? pattern : '';
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

/** Everything that the trigger should own, whether or not it can be applied now. */
function desiredOf(observed: ObservedState, subscription: Subscription): OwnedResources {
  const { trigger, deployment, scaler, hasKeda, groupHolder, deploymentHolder } = observed;
  if (!isDeployment(subscription.function.target) || deployment === undefined || groupHolder !== undefined)
    return none;
  const all = desiredResources(trigger, subscription, deployment, scaler);
  const isScaled = hasKeda && deploymentHolder === undefined;
  return isScaled ? all : { ...none, service: all.service };
}

function toApply({ trigger, owned }: ObservedState, desired: OwnedResources): TriggerPlan['apply'] {
  const keys = ['service', 'ca', 'authentication', 'scaledObject'] as const;
  return keys.flatMap((key) => {
    const [resource, found] = [desired[key], owned[key]];
    if (resource === undefined) return [];
    if (found === undefined) return [{ key, resource }];
    const isOurs = isOwnedBy(found, trigger) && found.metadata.deletionTimestamp === undefined;
    return isOurs && !isUpToDate(found, resource) ? [{ key, resource }] : [];
  });
}

/** What the trigger owns and should not. The ScaledObject goes first: the authentication that it names stays until it names another. */
function toRemove({ trigger, owned, scaler }: ObservedState, desired: OwnedResources): Resource[] {
  const { scaledObject } = owned;
  const isNamed =
    desired.scaledObject !== undefined && scaledObject !== undefined && namesOwnAuthentication(scaledObject);
  const forKeda = isNamed ? ([] as const) : (['scaledObject', 'authentication', 'ca'] as const);
  // Without the address of the scaler, nothing is known about what KEDA needs: its resources stay.
  const keys = [...(scaler === undefined ? [] : forKeda), 'service'] as const;
  return keys.flatMap((key) => {
    const found = owned[key];
    if (found === undefined || desired[key] !== undefined || !isOwnedBy(found, trigger)) return [];
    return found.metadata.deletionTimestamp === undefined ? [found] : [];
  });
}
