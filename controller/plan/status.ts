// The status of a Trigger, and when to write it: only if it differs from the last one.
import { isDeepStrictEqual } from 'node:util';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../core/contract/path.ts';
import type { FunctionTarget, Subscription } from '../../core/contract/subscription.ts';
import {
  conditionTypes,
  type Condition,
  type ConditionType,
  type TriggerStatus,
} from '../../core/resources/trigger-status.ts';
import { conditionFalse, conditionUnknown } from './conditions/condition-state.ts';
import type { ConditionState, StepFailures } from './observed-state.ts';

export type ConditionStates = Readonly<Record<Exclude<ConditionType, 'Ready'>, ConditionState>>;

/** Shortest time between two writes of fields that change with the traffic, in ms. */
export const statusIntervalMs = 10_000;

/** The status that `trigger` has, which may be incomplete; empty if it has none. */
export function statusOf(trigger: Resource): Partial<TriggerStatus> {
  const status = trigger.status;
  return typeof status === 'object' && status !== null ? status : {};
}

export function conditionBefore(trigger: Resource, type: ConditionType): Condition | undefined {
  return statusOf(trigger).conditions?.find((condition) => condition.type === type);
}

/** The conditions as they were; `otherwise` where there were none. */
export function statesBefore(trigger: Resource, otherwise: ConditionState): ConditionStates {
  const before = (type: ConditionType): ConditionState => conditionBefore(trigger, type) ?? otherwise;
  return {
    Accepted: before('Accepted'),
    SourceReady: before('SourceReady'),
    FunctionReady: before('FunctionReady'),
    ScalerReady: before('ScalerReady'),
    DeadLetterReady: before('DeadLetterReady'),
  };
}

/** A step that failed makes its condition false, whatever was checked besides. */
export function withFailures(states: ConditionStates, failures: StepFailures): ConditionStates {
  const failed = [...failures].map(([type, message]) => [
    type,
    conditionFalse('ReconcileFailed', `Millrace tries again by itself after a failure: ${message}`),
  ]);
  return { ...states, ...(Object.fromEntries(failed) as Partial<ConditionStates>) };
}

/** The status that `trigger` has, with what its spec says for columns that it lacks. */
export function statusBefore(trigger: Resource): Omit<TriggerStatus, 'conditions' | 'observedGeneration'> {
  const before = statusOf(trigger);
  return {
    ...(before.accepted === undefined ? {} : { accepted: before.accepted }),
    topics: before.topics ?? specTopics(trigger),
    function: before.function ?? '',
    consumerGroup: before.consumerGroup ?? '',
    backlog: before.backlog ?? 'unknown',
    replicas: before.replicas ?? 0,
  };
}

function specTopics(trigger: Resource): string {
  const topics = valueAt(trigger, ['spec', 'source', 'topics']);
  if (Array.isArray(topics)) return topics.join(', ');
  const pattern = valueAt(trigger, ['spec', 'source', 'topicPattern']);
  return typeof pattern === 'string' ? pattern : '';
}

/** The status of a trigger of which nothing is known but that a step failed: the rest stays as it was. */
export function failedStatus(trigger: Resource, failures: StepFailures, nowMs: number): TriggerStatus {
  const unchecked = conditionUnknown('NotCheckedYet', 'Not checked, because an earlier step failed.');
  return {
    observedGeneration: trigger.metadata.generation ?? 0,
    conditions: conditionsOf(trigger, withFailures(statesBefore(trigger, unchecked), failures), nowMs),
    ...statusBefore(trigger),
  };
}

/** `states` as conditions, after Ready. A condition keeps its transition time as long as its status stays the same. */
export function conditionsOf(trigger: Resource, states: ConditionStates, nowMs: number): Condition[] {
  const all = { Ready: readyOf(states), ...states };
  return conditionTypes.map((type) => {
    const before = conditionBefore(trigger, type);
    const { status, reason, message } = all[type];
    const since = before?.status === status ? before.lastTransitionTime : undefined;
    return {
      type,
      status,
      reason,
      message,
      lastTransitionTime: since ?? new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
      observedGeneration: trigger.metadata.generation ?? 0,
    };
  });
}

/** False if a condition is false, else unknown if one is unknown; with the reason and message of the first of those. */
function readyOf(states: ConditionStates): ConditionState {
  const all = conditionTypes.flatMap((type) => (type === 'Ready' ? [] : [states[type]]));
  const notReady =
    all.find(({ status }) => status === 'False') ?? all.find(({ status }) => status === 'Unknown');
  return notReady ?? { status: 'True', reason: 'Ready', message: 'Records are delivered as they come.' };
}

export function topicsText({ topics, topicPattern }: Subscription['source']): string {
  return topicPattern ?? topics.join(', ');
}

export function functionText(target: FunctionTarget): string {
  if (target.kind === 'uri') return target.uri;
  return target.kind === 'service'
    ? `service/${target.name}`
    : `${target.resource.toLowerCase()}/${target.name}`;
}

/** The order of magnitude: `0`, `1-9`, `10-99`, `100-999`, `1k-10k`… */
export function backlogRange(backlog: bigint | undefined): string {
  if (backlog === undefined) return 'unknown';
  if (backlog <= 0n) return '0';
  const zeros = backlog.toString().length - 1;
  if (zeros < 3) return `${10 ** zeros}-${10 ** (zeros + 1) - 1}`;
  return `${powerOfTen(zeros)}-${powerOfTen(zeros + 1)}`;
}

/** Ten to the power of `zeros`, such as `10k`. */
function powerOfTen(zeros: number): string {
  const units = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
  return `${10 ** (zeros % 3)}${units[Math.floor(zeros / 3)] ?? ''}`;
}

/**
 * When to replace the status of `trigger` by `next`. `later`: only backlog or replicas, which change with the traffic, differ, and the last
 * write is less than `statusIntervalMs` ago.
 */
export function whenToWriteStatus(
  trigger: Resource,
  next: TriggerStatus,
  sinceWriteMs: number | undefined,
): 'now' | 'later' | 'never' {
  const before = statusOf(trigger);
  if (!isDeepStrictEqual(withoutTraffic(before), withoutTraffic(next))) return 'now';
  if (before.backlog === next.backlog && before.replicas === next.replicas) return 'never';
  return sinceWriteMs === undefined || sinceWriteMs >= statusIntervalMs ? 'now' : 'later';
}

function withoutTraffic({ conditions = [], ...status }: Partial<TriggerStatus>): unknown {
  return {
    ...status,
    backlog: undefined,
    replicas: undefined,
    conditions: conditions.toSorted((a, b) => a.type.localeCompare(b.type)),
  };
}
