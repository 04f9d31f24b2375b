// The decision about one trigger: what is observed → what is to be made, what is to go, and what its status says. Pure, and
// of what is so now alone: whatever was missed before, the next decision is the same.
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../core/contract/path.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { TriggerStatus } from '../../core/resources/trigger-status.ts';
import { drainFinalizer, isMadeFor } from '../names.ts';
import { desiredResources } from './desired-resources.ts';
import { isAsWanted } from './drift.ts';
import { namesOwnAuthentication } from './scaled-object.ts';
import { no, unknown } from './findings.ts';
import { acceptedCondition } from './accepted-condition.ts';
import { isDeployment, functionCondition } from './function-condition.ts';
import { scalerCondition } from './scaler-condition.ts';
import { sourceCondition } from './source-condition.ts';
import { storesCondition } from './stores-condition.ts';
import type { OwnedResourceName, OwnedResources, Finding, Observed } from './observed.ts';
import {
  coarse,
  conditionBefore,
  conditionsOf,
  functionText,
  replicasOf,
  statusOf,
  topicsText,
  type Findings,
} from './status.ts';

export interface Plan {
  /** The trigger is to have the finalizer, and has not. */
  readonly addFinalizer: boolean;
  /** In this order. */
  readonly apply: readonly { readonly name: OwnedResourceName; readonly resource: Resource }[];
  readonly remove: readonly Resource[];
  readonly status: TriggerStatus;
  /** Whether the scaler is to be tried: a ScaledObject waits for its answer. */
  readonly needsScaler: boolean;
}

const none: OwnedResources = {
  service: undefined,
  ca: undefined,
  authentication: undefined,
  scaledObject: undefined,
};

/** For a trigger that is not being deleted. */
export function plan(observed: Observed): Plan {
  const { trigger, reading } = observed;
  if (reading.kind === 'wrong') return planWrong(observed);
  const { subscription } = reading;
  const wanted = wantedCompanions(observed, subscription);
  const needsScaler = wanted.scaledObject !== undefined && observed.owned.scaledObject === undefined;
  const ready =
    needsScaler && observed.scalerAnswers !== true ? { ...wanted, scaledObject: undefined } : wanted;
  return {
    addFinalizer: !(trigger.metadata.finalizers ?? []).includes(drainFinalizer),
    apply: toApply(observed, ready),
    remove: toRemove(observed, wanted),
    needsScaler,
    status: {
      observedGeneration: trigger.metadata.generation ?? 0,
      conditions: conditionsOf(trigger, findingsOf(observed, subscription), observed.nowMs),
      topics: topicsText(subscription.source),
      function: functionText(subscription.function.target),
      consumerGroup: subscription.source.consumerGroup,
      backlog: coarse(observed.kafka?.backlog),
      replicas: replicasOf(observed.deployment),
    },
  };
}

/** A wrong edit stops nothing: what was made for the last right one stays. But what is not granted is not read. */
function planWrong(observed: Observed): Plan {
  const { trigger, reading, deployment, nowMs } = observed;
  const rest = (type: Exclude<keyof Findings, 'Accepted'>): Finding => {
    const before = conditionBefore(trigger, type);
    return before ?? unknown('NotAccepted', 'Nothing is known of it until the Trigger is right.');
  };
  const findings: Findings = {
    Accepted: acceptedCondition(observed),
    SourceReady:
      reading.kind === 'wrong' && reading.reason === 'ClusterNotGranted'
        ? no(reading.reason, 'Nothing is read: see Accepted.')
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
    needsScaler: false,
    status: {
      observedGeneration: trigger.metadata.generation ?? 0,
      conditions: conditionsOf(trigger, findings, nowMs),
      topics: before.topics ?? declaredTopics(trigger),
      function: before.function ?? '',
      consumerGroup: before.consumerGroup ?? '',
      backlog: before.backlog ?? 'unknown',
      replicas: replicasOf(deployment),
    },
  };
}

function declaredTopics(trigger: Resource): string {
  const topics = valueAt(trigger, ['spec', 'source', 'topics']);
  if (Array.isArray(topics)) return topics.join(', ');
  const pattern = valueAt(trigger, ['spec', 'source', 'topicPattern']);
  return typeof pattern === 'string' ? pattern : '';
}

function findingsOf(observed: Observed, subscription: Subscription): Findings {
  const { trigger, kafka, nowMs } = observed;
  const { target } = subscription.function;
  return {
    Accepted: acceptedCondition(observed),
    SourceReady: sourceCondition(subscription, kafka, conditionBefore(trigger, 'SourceReady'), nowMs),
    FunctionReady: functionCondition(observed, target),
    ScalerReady: scalerCondition(observed, target),
    DeadLetterReady: storesCondition(kafka),
  };
}

/** What is to be there, whether or not it can be made now. */
function wantedCompanions(observed: Observed, subscription: Subscription): OwnedResources {
  const { trigger, deployment, scaler, hasKeda, groupOf, targetOf } = observed;
  if (!isDeployment(subscription.function.target) || deployment === undefined || groupOf !== undefined)
    return none;
  const all = desiredResources(trigger, subscription, deployment, scaler);
  const isScaled = hasKeda && targetOf === undefined;
  return isScaled ? all : { ...none, service: all.service };
}

function toApply({ trigger, owned }: Observed, wanted: OwnedResources): Plan['apply'] {
  const names = ['service', 'ca', 'authentication', 'scaledObject'] as const;
  return names.flatMap((name) => {
    const [resource, found] = [wanted[name], owned[name]];
    if (resource === undefined) return [];
    if (found === undefined) return [{ name, resource }];
    const isOurs = isMadeFor(found, trigger) && found.metadata.deletionTimestamp === undefined;
    return isOurs && !isAsWanted(found, resource) ? [{ name, resource }] : [];
  });
}

/** What was made for the trigger and is not wanted any more: the ScaledObject before what it needs, which stays for as long. */
function toRemove({ trigger, owned, scaler }: Observed, wanted: OwnedResources): Resource[] {
  const there = owned.scaledObject;
  const isNamed = wanted.scaledObject !== undefined && there !== undefined && namesOwnAuthentication(there);
  const forKeda = isNamed ? ([] as const) : (['scaledObject', 'authentication', 'ca'] as const);
  // Where it is not known how KEDA reaches the scaler, what KEDA knows already stays.
  const names = [...(scaler === undefined ? [] : forKeda), 'service'] as const;
  return names.flatMap((name) => {
    const found = owned[name];
    if (found === undefined || wanted[name] !== undefined || !isMadeFor(found, trigger)) return [];
    return found.metadata.deletionTimestamp === undefined ? [found] : [];
  });
}
