// The status of a Trigger: made of findings, and compared with the one that it has, so that nothing is written that says
// nothing new.
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
import type { Finding } from './observed.ts';

export type Findings = Readonly<Record<Exclude<ConditionType, 'Ready'>, Finding>>;

/** What changes with the traffic is written so often at most. */
export const quietMs = 10_000;

/** The status that `trigger` has; of one that has none, or another's, what of it can be used. */
export function statusOf(trigger: Resource): Partial<TriggerStatus> {
  const status = trigger.status;
  return typeof status === 'object' && status !== null ? status : {};
}

export function conditionBefore(trigger: Resource, type: ConditionType): Condition | undefined {
  return statusOf(trigger).conditions?.find((condition) => condition.type === type);
}

/** `findings` as conditions, Ready before them; what stays as it was keeps the time of its last change. */
export function conditionsOf(trigger: Resource, findings: Findings, nowMs: number): Condition[] {
  const all = { Ready: readyOf(findings), ...findings };
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

/** False where one is; else unknown where one is; with the words of the first such. */
function readyOf(findings: Findings): Finding {
  const all = conditionTypes.flatMap((type) => (type === 'Ready' ? [] : [findings[type]]));
  const lacking =
    all.find(({ status }) => status === 'False') ?? all.find(({ status }) => status === 'Unknown');
  return lacking ?? { status: 'True', reason: 'Ready', message: 'Records are delivered as they come.' };
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
export function coarse(backlog: bigint | undefined): string {
  if (backlog === undefined) return 'unknown';
  if (backlog <= 0n) return '0';
  const zeros = backlog.toString().length - 1;
  if (zeros < 3) return `${10 ** zeros}-${10 ** (zeros + 1) - 1}`;
  return `${short(zeros)}-${short(zeros + 1)}`;
}

/** Ten to the power of `zeros`, as `10k`. */
function short(zeros: number): string {
  const units = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
  return `${10 ** (zeros % 3)}${units[Math.floor(zeros / 3)] ?? ''}`;
}

export function replicasOf(deployment: Resource | undefined): number {
  const replicas = valueAt(deployment, ['status', 'replicas']);
  return typeof replicas === 'number' ? replicas : 0;
}

/**
 * Whether `next` is to be written over the status that `trigger` has: `later` where only what changes with the traffic has
 * changed, and that was written less than `quietMs` ago.
 */
export function toWrite(
  trigger: Resource,
  next: TriggerStatus,
  sinceWriteMs: number | undefined,
): 'now' | 'later' | 'never' {
  const before = statusOf(trigger);
  if (!isDeepStrictEqual(lasting(before), lasting(next))) return 'now';
  if (before.backlog === next.backlog && before.replicas === next.replicas) return 'never';
  return sinceWriteMs === undefined || sinceWriteMs >= quietMs ? 'now' : 'later';
}

function lasting({ conditions = [], ...status }: Partial<TriggerStatus>): unknown {
  return {
    ...status,
    backlog: undefined,
    replicas: undefined,
    conditions: conditions.toSorted((a, b) => a.type.localeCompare(b.type)),
  };
}
