// Carries out the plan for one trigger, step by step, and plans anew after each step that has found something out. It ends at the first step
// that fails or is refused, because those after it depend on it.
import { describeError, errorFields } from '../../core/contract/errors.ts';
import { drainFinalizer } from '../ownership.ts';
import type { ObservedState, OwnedResourceKey, StepCondition } from '../plan/observed-state.ts';
import { planTrigger, type TriggerPlan } from '../plan/plan-trigger.ts';
import type { TriggerDependencies } from '../trigger-dependencies.ts';
import { applyResource, isRefusal, undeclaredFields } from './apply-resource.ts';
import { deleteResource } from './delete-resource.ts';
import { patchFinalizers } from './patch-finalizers.ts';

/** What a step has found out; undefined if it did nothing. */
type Findings = Partial<ObservedState> | undefined;

interface Step {
  /** The condition that is false if the step fails. */
  readonly condition: StepCondition;
  readonly run: (observed: ObservedState, plan: TriggerPlan) => Promise<Findings>;
}

/** How long KEDA is believed not to know a field, in ms: its CRD may be upgraded. */
const fallbackRetryMs = 3_600_000;
const fallbackField = '.spec.fallback.behavior';

export class PlanExecution {
  readonly #deps: TriggerDependencies;
  /** When the API server last refused `fallback.behavior`. */
  #fallbackRefusedMs: number | undefined;
  readonly #steps: readonly Step[] = [
    { condition: 'Accepted', run: (observed, plan) => this.#addFinalizer(observed, plan) },
    { condition: 'ScalerReady', run: (_observed, plan) => this.#remove(plan, 'ScaledObject') },
    { condition: 'FunctionReady', run: (_observed, plan) => this.#remove(plan, 'Service') },
    { condition: 'FunctionReady', run: (observed, plan) => this.#apply('service', observed, plan) },
    { condition: 'ScalerReady', run: (observed, plan) => this.#authenticate(observed, plan) },
    { condition: 'ScalerReady', run: (observed, plan) => this.#probe(observed, plan) },
    { condition: 'ScalerReady', run: (observed, plan) => this.#apply('scaledObject', observed, plan) },
  ];

  constructor(dependencies: TriggerDependencies) {
    this.#deps = dependencies;
  }

  /** Whether KEDA has `fallback.behavior`, as far as it is known. */
  get hasFallbackBehavior(): boolean {
    const refusedMs = this.#fallbackRefusedMs;
    return refusedMs === undefined || performance.now() - refusedMs >= fallbackRetryMs;
  }

  /** Returns the state after it, with the failure or the refusal that it ended at. */
  async carryOut(observed: ObservedState): Promise<ObservedState> {
    let current = observed;
    let plan = planTrigger(current);
    for (const { condition, run } of this.#steps) {
      try {
        const findings = await run(current, plan);
        if (findings === undefined) continue;
        current = { ...current, ...findings };
        plan = planTrigger(current);
      } catch (error) {
        return { ...current, failures: new Map([[condition, describeError(error)]]) };
      }
      if (current.refusals.size > 0) break;
    }
    return current;
  }

  async #addFinalizer({ trigger }: ObservedState, { addFinalizer }: TriggerPlan): Promise<undefined> {
    if (!addFinalizer) return;
    this.#deps.assertLeading();
    await patchFinalizers(this.#deps.client, trigger, (all) => [...all, drainFinalizer]);
  }

  async #remove({ remove }: TriggerPlan, kind: string): Promise<undefined> {
    for (const resource of remove.filter((one) => one.kind === kind)) {
      this.#deps.assertLeading();
      await deleteResource(this.#deps.client, resource);
    }
  }

  async #apply(key: OwnedResourceKey, observed: ObservedState, plan: TriggerPlan): Promise<Findings> {
    const { client, assertLeading } = this.#deps;
    const resource = plan.apply.find((one) => one.key === key)?.resource;
    if (resource === undefined) return undefined;
    assertLeading();
    const found = observed.owned[key];
    try {
      return { owned: { ...observed.owned, [key]: await applyResource(client, found, resource) } };
    } catch (error) {
      if (observed.hasFallbackBehavior && undeclaredFields(error).includes(fallbackField)) {
        this.#fallbackRefusedMs = performance.now();
        const without = { ...observed, hasFallbackBehavior: false };
        return { hasFallbackBehavior: false, ...(await this.#apply(key, without, planTrigger(without))) };
      }
      if (!isRefusal(error, found)) throw error;
      return { refusals: new Map([[key, describeError(error)]]) };
    }
  }

  async #authenticate(
    { trigger, scaler }: ObservedState,
    { authentication }: TriggerPlan,
  ): Promise<Findings> {
    const { authentications, log } = this.#deps;
    const { name, namespace = '' } = trigger.metadata;
    const place = { namespace, name };
    if (authentication === 'needed' && scaler !== undefined)
      return { authentication: await authentications.ensure(place, scaler) };
    if (authentication === 'kept') authentications.keep(place);
    // What is left over harms nobody, and is removed by a later reconcile: the trigger is none the less ready.
    else
      await authentications.release(place, scaler).catch((error: unknown) => {
        log.warn(
          { namespace, ...errorFields(error) },
          'cannot remove the TriggerAuthentication of a namespace',
        );
      });
    return undefined;
  }

  async #probe({ trigger, scaler, authentication }: ObservedState, plan: TriggerPlan): Promise<Findings> {
    const isTrusted = authentication === undefined || authentication.kind === 'ready';
    if (!plan.needsProbe || scaler === undefined || !isTrusted) return undefined;
    const { name, namespace = '' } = trigger.metadata;
    return { probeResult: await this.#deps.probe.ask(scaler, namespace, name) };
  }
}
