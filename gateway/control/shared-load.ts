// Selects the triggers that this gateway serves. Each trigger is served by some of the gateways, so that the number of connections to
// brokers and functions grows with the triggers, and not with triggers × gateways.
import type { ResourceChange, ResourceWatch } from '../../core/contract/kubernetes-client.ts';
import { endpointSliceKind } from '../../core/resources/kinds.ts';
import type { TriggerSource } from '../../core/contract/trigger-source.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { chooseMembers } from './rendezvous.ts';
import { readyPods } from '../../core/kubernetes/informers/endpoint-slices.ts';
import { ResourceMap } from '../../core/kubernetes/informers/resource-map.ts';

export interface SharedLoadOptions {
  /** All triggers. */
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
  /** How long a trigger that was assigned to other gateways is still served here, in ms. */
  readonly handOverMs?: number | undefined;
}

const defaultHandOverMs = 15_000;

/**
 * Serves a newly assigned trigger at once, and stops serving one `handOverMs` after it was assigned to others: by then the other gateway
 * has joined the group, and a gateway that is not ready for a moment moves nothing. A gateway that knows no other serves all triggers.
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
        (changes) => share.updateMembers(changes),
      );
      try {
        const stopTriggers = await triggers.watch((wanted) => share.setWanted(wanted));
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
  readonly #slices = new ResourceMap();
  #members: readonly string[] = [];
  /** Trigger → whether it is assigned to this gateway, for these members: hashing all of them costs more than all else here. */
  #assigned = new Map<string, boolean>();
  #wanted: readonly Subscription[] | undefined;
  /** Served trigger → until when (ms of `performance.now()`): Infinity while it is assigned to this gateway. */
  #served = new Map<string, number>();
  #reported: readonly Subscription[] | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SharedLoadOptions, onChange: (mine: readonly Subscription[]) => void) {
    this.#options = options;
    this.#onChange = onChange;
  }

  updateMembers(changes: readonly ResourceChange[]): void {
    this.#slices.apply(changes);
    const members = [...new Set([...readyPods(this.#slices.all()), this.#options.self])].sort();
    if (members.join() === this.#members.join()) return;
    this.#members = members;
    this.#assigned = new Map();
    this.#update();
  }

  setWanted(wanted: readonly Subscription[]): void {
    this.#wanted = wanted;
    this.#update();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #update(): void {
    if (this.#wanted === undefined) return;
    const nowMs = performance.now();
    const served = new Map<string, number>();
    const assigned = new Map<string, boolean>();
    for (const { key } of this.#wanted) {
      const isMine = this.#assigned.get(key) ?? this.#isMine(key);
      assigned.set(key, isMine);
      const untilMs = isMine ? Infinity : this.#untilMs(key, nowMs);
      if (untilMs > nowMs) served.set(key, untilMs);
    }
    this.#served = served;
    this.#assigned = assigned;
    this.#updateAgainAt(Math.min(...served.values()), nowMs);
    const mine = this.#wanted.filter(({ key }) => served.has(key));
    const before = this.#reported;
    if (mine.length === before?.length && mine.every((one, index) => one === before[index])) return;
    this.#reported = mine;
    this.#onChange(mine);
  }

  #isMine(key: string): boolean {
    const { self, replicas } = this.#options;
    return chooseMembers(key, this.#members, replicas).includes(self);
  }

  /** Until when a trigger is served that is assigned to others. */
  #untilMs(key: string, nowMs: number): number {
    const { handOverMs = defaultHandOverMs } = this.#options;
    const before = this.#served.get(key);
    return before === Infinity ? nowMs + handOverMs : (before ?? 0);
  }

  #updateAgainAt(dueMs: number, nowMs: number): void {
    clearTimeout(this.#timer);
    if (dueMs < Infinity) this.#timer = setTimeout(() => this.#update(), dueMs - nowMs + 1);
  }
}
