// The current state of the demo's triggers and functions, kept up to date by watches of the API server.
import { deploymentKind, triggerKind } from '../../../core/resources/kinds.ts';
import type { ResourceWatch } from '../../../core/contract/kubernetes-client.ts';
import { ResourceMap } from '../../../core/kubernetes/informers/resource-map.ts';
import type { TriggerStatus } from '../../../core/resources/trigger-status.ts';

export interface TriggerState {
  /** The condition Ready: `True`, `False` or `Unknown`. */
  readonly ready: string;
  readonly reason: string;
  readonly message: string;
  /** A range that is seconds old: `0`, `1-9`, `10-99`… or `unknown`. */
  readonly backlog: string;
}

export interface Replicas {
  readonly desired: number;
  readonly ready: number;
}

const unknownState: TriggerState = {
  ready: 'Unknown',
  reason: 'NotSeen',
  message: 'the controller has not reported its status yet',
  backlog: 'unknown',
};

export class TriggerStates {
  readonly #namespace: string;
  readonly #triggers = new ResourceMap();
  readonly #deployments = new ResourceMap();

  private constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** Watches until `signal` aborts. Calls `onReplicas` after each change of a function's replicas. */
  static async start(
    resources: ResourceWatch,
    namespace: string,
    onReplicas: () => void,
    signal: AbortSignal,
  ): Promise<TriggerStates> {
    const states = new TriggerStates(namespace);
    const options = { namespaces: [namespace], signal };
    await Promise.all([
      resources.watch(triggerKind, options, (changes) => states.#triggers.apply(changes)),
      resources.watch(deploymentKind, options, (changes) => {
        states.#deployments.apply(changes);
        onReplicas();
      }),
    ]);
    return states;
  }

  /** How many triggers there are. */
  get triggers(): number {
    return this.#triggers.size;
  }

  trigger(name: string): TriggerState {
    const status = this.#triggers.get(`${this.#namespace}/${name}`)?.status as
      Partial<TriggerStatus> | undefined;
    if (status === undefined) return unknownState;
    const condition = status.conditions?.find(({ type }) => type === 'Ready');
    return {
      ready: condition?.status ?? unknownState.ready,
      reason: condition?.reason ?? unknownState.reason,
      message: condition?.message ?? unknownState.message,
      backlog: status.backlog ?? unknownState.backlog,
    };
  }

  /** The replicas of the Deployment of that name. */
  replicas(name: string): Replicas {
    const deployment = this.#deployments.get(`${this.#namespace}/${name}`);
    const spec = deployment?.spec as { replicas?: number } | undefined;
    const status = deployment?.status as { readyReplicas?: number } | undefined;
    return { desired: spec?.replicas ?? 0, ready: status?.readyReplicas ?? 0 };
  }
}
