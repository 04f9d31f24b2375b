// The part of the triggers that this gateway serves: each is served by some of the gateways, so that connections to brokers and
// functions grow with the triggers, and not with triggers × gateways.
import type { Resource, ResourceWatch } from '../../core/contract/kubernetes-client.ts';
import { endpointSliceKind } from '../../core/resources/kinds.ts';
import type { TriggerSource } from '../../core/contract/trigger-source.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { chooseMembers } from './rendezvous.ts';
import { readyPods } from '../../core/kubernetes/informers/endpoint-slices.ts';

export interface SharedLoadOptions {
  /** All that are wanted. */
  readonly triggers: TriggerSource;
  readonly resources: ResourceWatch;
  /** The Service whose endpoints are the gateways. */
  readonly service: string;
  readonly namespace: string;
  /** The name of this pod. */
  readonly self: string;
  /** How many gateways serve a trigger. */
  readonly replicas: number;
  readonly signal?: AbortSignal | undefined;
  /** How long what has become another's is served on, in ms. */
  readonly handOverMs?: number | undefined;
}

const defaultHandOverMs = 15_000;

/**
 * Takes on at once what has become its own, and lets go a while after something has become another's: the other has joined the
 * group by then, and a gateway that is not ready for a moment moves nothing. A gateway that knows no other serves all.
 */
export function createSharedLoad(options: SharedLoadOptions): TriggerSource {
  return {
    watch: async (onChange) => {
      const { triggers, resources, service, namespace, signal } = options;
      const share = new Share(options, onChange);
      const labelSelector = `kubernetes.io/service-name=${service}`;
      const stopMembers = await resources.watch(
        endpointSliceKind,
        { namespaces: [namespace], labelSelector, signal },
        (slices) => share.haveMembers(slices),
      );
      try {
        const stopTriggers = await triggers.watch((wanted) => share.haveWanted(wanted));
        return () => {
          stopTriggers();
          stopMembers();
          share.stop();
        };
      } catch (error) {
        stopMembers();
        throw error;
      }
    },
  };
}

class Share {
  readonly #options: SharedLoadOptions;
  readonly #onChange: (mine: readonly Subscription[]) => void;
  #members: readonly string[] = [];
  #wanted: readonly Subscription[] | undefined;
  /** What is served, and until when (ms of `performance.now()`) where it has become another's. */
  #served = new Map<string, number>();
  #told: readonly Subscription[] | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SharedLoadOptions, onChange: (mine: readonly Subscription[]) => void) {
    this.#options = options;
    this.#onChange = onChange;
  }

  haveMembers(slices: readonly Resource[]): void {
    this.#members = [...new Set([...readyPods(slices), this.#options.self])];
    this.#tell();
  }

  haveWanted(wanted: readonly Subscription[]): void {
    this.#wanted = wanted;
    this.#tell();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #tell(): void {
    if (this.#wanted === undefined) return;
    const nowMs = performance.now();
    const served = new Map<string, number>();
    for (const { key } of this.#wanted) {
      const untilMs = this.#untilMs(key, nowMs);
      if (untilMs > nowMs) served.set(key, untilMs);
    }
    this.#served = served;
    this.#tellAgainAt(Math.min(...served.values()), nowMs);
    const mine = this.#wanted.filter(({ key }) => served.has(key));
    if (mine.length === this.#told?.length && mine.every((one, index) => one === this.#told?.[index])) return;
    this.#told = mine;
    this.#onChange(mine);
  }

  #untilMs(key: string, nowMs: number): number {
    const { self, replicas, handOverMs = defaultHandOverMs } = this.#options;
    if (chooseMembers(key, this.#members, replicas).includes(self)) return Infinity;
    const before = this.#served.get(key);
    return before === Infinity ? nowMs + handOverMs : (before ?? 0);
  }

  #tellAgainAt(dueMs: number, nowMs: number): void {
    clearTimeout(this.#timer);
    if (dueMs < Infinity) this.#timer = setTimeout(() => this.#tell(), dueMs - nowMs + 1);
  }
}
