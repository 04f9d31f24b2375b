// Reconciles one trigger: observes it, carries out what plan/plan-trigger.ts decides, and writes the status. Whatever fails before, the
// status says so.
import { describeError } from '../core/contract/errors.ts';
import type { Resource } from '../core/contract/kubernetes-client.ts';
import { observeTrigger } from './observe-trigger.ts';
import { isOwnedBy, keyOf } from './ownership.ts';
import type { ObservedState, ParsedTrigger } from './plan/observed-state.ts';
import { planTrigger, type TriggerPlan } from './plan/plan-trigger.ts';
import { failedStatus, statusIntervalMs, statusOf } from './plan/status.ts';
import { isDeployment } from './plan/workload.ts';
import type { Requeue, TriggerDependencies } from './trigger-dependencies.ts';
import { PlanExecution } from './writes/carry-out-plan.ts';

const probeRetryMs = 2_000;
/** Resources that the controller did not make are not watched: while a trigger waits for one, it is reconciled at this interval. */
const foreignRetryMs = 5_000;
/** Workloads other than Deployments are not watched either: how often one is read while it cannot be used, and afterwards. */
const workloadRetryMs = 10_000;
const workloadRefreshMs = 45_000;

export class TriggerReconciler {
  readonly #deps: TriggerDependencies;
  readonly #execution: PlanExecution;
  /** The triggers whose last reconcile failed. */
  readonly #failed = new Set<string>();

  constructor(dependencies: TriggerDependencies) {
    this.#deps = dependencies;
    this.#execution = new PlanExecution(dependencies);
  }

  /** For a trigger that is not being deleted. Rejects if the status cannot be written, and if nothing could be planned. */
  async reconcile(trigger: Resource): Promise<Requeue> {
    const parsed = this.#deps.triggerCache.get(trigger);
    if (parsed === undefined) return { afterMs: 0 };
    let after: ObservedState;
    let plan: TriggerPlan;
    try {
      after = await this.#observeAndCarryOut(trigger, parsed);
      plan = planTrigger(after);
    } catch (error) {
      // No request that failed, for those are in the state: a mistake of ours.
      const failures = new Map([['Accepted', describeError(error)]] as const);
      await this.#deps.statuses.write(trigger, { status: failedStatus(trigger, failures, Date.now()) });
      throw error;
    }
    if (after.failures.size > 0) return this.#recordFailures(after, plan);
    this.#failed.delete(keyOf(trigger));
    const written = await this.#deps.statuses.write(trigger, plan);
    if (after.refusals.size > 0) return 'failed';
    const afterMs = Math.min(...waits(after, plan.needsProbe, written));
    return Number.isFinite(afterMs) ? { afterMs } : undefined;
  }

  forget(key: string): void {
    const [namespace = '', name = ''] = key.split('/');
    this.#failed.delete(key);
    this.#deps.statuses.forget(key);
    this.#deps.authentications.forget({ namespace, name });
  }

  async #observeAndCarryOut(trigger: Resource, parsed: ParsedTrigger): Promise<ObservedState> {
    const { hasFallbackBehavior } = this.#execution;
    const observed = await observeTrigger(this.#deps, trigger, parsed, hasFallbackBehavior);
    // What could not be read may exist: nothing is made or removed for the lack of it.
    return observed.failures.size > 0 ? observed : this.#execution.carryOut(observed);
  }

  /** A failure that passes by itself within a second does not change the status, unless there is none of this version yet. */
  async #recordFailures({ trigger, failures }: ObservedState, plan: TriggerPlan): Promise<'failed'> {
    const { log, emit, statuses } = this.#deps;
    const key = keyOf(trigger);
    const isFirst = !this.#failed.has(key);
    this.#failed.add(key);
    log.debug({ trigger: key, failures: Object.fromEntries(failures) }, 'reconcile failed');
    if (isFirst && statusOf(trigger).observedGeneration === trigger.metadata.generation) return 'failed';
    const written = await statuses.write(trigger, plan);
    for (const condition of failures.keys()) emit('stepFailed', condition);
    if (written === 'now')
      log.warn(
        { trigger: key, failures: Object.fromEntries(failures) },
        'reconcile fails; retrying with backoff',
      );
    return 'failed';
  }
}

/** After how many ms the trigger is to be reconciled again, for each reason that there is. */
function waits(
  { parsed, trigger, owned, namedService, workload, probeResult, authentication }: ObservedState,
  needsProbe: boolean,
  written: 'now' | 'later' | 'never',
): number[] {
  const isForeign = (found: Resource | undefined): boolean =>
    found !== undefined && !isOwnedBy(found, trigger);
  const waitsForForeign =
    namedService === 'missing' || authentication?.kind === 'foreign' || Object.values(owned).some(isForeign);
  const target = parsed.kind === 'right' ? parsed.subscription.function.target : undefined;
  const isPolled = target?.kind === 'ref' && !isDeployment(target);
  const isUsable = workload?.kind === 'found' && workload.workload.selector.kind === 'labels';
  return [
    ...(needsProbe && probeResult !== true ? [probeRetryMs] : []),
    ...(waitsForForeign ? [foreignRetryMs] : []),
    ...(isPolled ? [isUsable ? workloadRefreshMs : workloadRetryMs] : []),
    ...(written === 'later' ? [statusIntervalMs] : []),
  ];
}
