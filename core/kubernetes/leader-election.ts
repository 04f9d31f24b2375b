// Leader election through a Lease, so that one controller runs at a time. The holder leads until the Lease has not been renewed for its
// whole duration. Each candidate measures that with its own clock, from when it saw the last change (as in client-go), so that clocks which
// differ do not cause two leaders. A leader that cannot renew stops before another may begin.
import { MillraceError } from '../contract/errors.ts';
import { leaseKind } from '../resources/kinds.ts';
import type { KubernetesClient, OwnerReference, Resource } from '../contract/kubernetes-client.ts';

export interface LeaderOptions {
  readonly client: Pick<KubernetesClient, 'get' | 'create' | 'replace'>;
  readonly namespace: string;
  /** Name of the Lease. */
  readonly name: string;
  /** Name of this process, as the holder of the Lease. */
  readonly identity: string;
  /** UID of the pod, which becomes the owner of the Lease, so that both are deleted together; absent outside a cluster. */
  readonly podUid?: string | undefined;
  /** Called when this process begins to lead. Must not reject. */
  readonly onLead: () => Promise<void>;
  /** Must end what `onLead` began, soon. Awaited. Must not reject. */
  readonly onLose: (why: string) => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
  readonly times?: LeaseTimes | undefined;
}

/** In ms. */
export interface LeaseTimes {
  readonly lease: number;
  readonly renewWithin: number;
  readonly retry: number;
}

const defaultTimes: LeaseTimes = { lease: 15_000, renewWithin: 10_000, retry: 2_000 };

export interface Leader {
  readonly isLeading: boolean;
  /** Releases the Lease, so that another candidate leads at once. Idempotent. */
  stop(): Promise<void>;
}

export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/** The last known state of a Lease, and since when it has been unchanged, by our own clock. */
export interface ObservedLease {
  readonly lease: Resource;
  readonly sinceMs: number;
}

/** `take`: nobody holds the Lease any more. */
export function evaluateLease(
  { lease, sinceMs }: ObservedLease,
  identity: string,
  nowMs: number,
): 'ours' | 'take' | 'theirs' {
  const { holderIdentity, leaseDurationSeconds = defaultTimes.lease / 1000 } = specOf(lease);
  if (holderIdentity === identity) return 'ours';
  if (holderIdentity === undefined || holderIdentity === '') return 'take';
  return nowMs - sinceMs >= leaseDurationSeconds * 1000 ? 'take' : 'theirs';
}

export function startLeader(options: LeaderOptions): Leader {
  return new Candidate(options);
}

class Candidate implements Leader {
  readonly #options: LeaderOptions;
  readonly #times: LeaseTimes;
  #observed: ObservedLease | undefined;
  /** `runs` from `onLead` to the call of `onLose`. `ends` until that has resolved: no other term begins before. */
  #term: 'none' | 'runs' | 'ends' = 'none';
  /** This process may lead until then, by our own clock. Nobody else begins before. */
  #untilMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #round: Promise<void>;
  #stopping: Promise<void> | undefined;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#times = options.times ?? defaultTimes;
    this.#round = this.#try();
  }

  get isLeading(): boolean {
    return this.#term === 'runs' && performance.now() < this.#untilMs;
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#end());
  }

  async #end(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#round;
    clearTimeout(this.#timer);
    if (this.#term !== 'runs') return;
    await this.#lose('the process stops');
    const { lease } = this.#observed ?? {};
    // Released, so that other candidates need not wait until it expires.
    if (lease !== undefined)
      await this.#options.client
        .replace({ ...lease, spec: { ...specOf(lease), holderIdentity: '', leaseDurationSeconds: 1 } })
        .catch(() => undefined);
  }

  async #try(): Promise<void> {
    const startedMs = performance.now();
    let retryMs = this.#times.retry * (0.9 + Math.random() / 5);
    try {
      await this.#renew(startedMs);
    } catch (error) {
      if (!isConflict(error)) this.#options.onTrouble(error);
      else if (this.#term === 'runs') {
        // Another process has changed the Lease, and may lead by now: the next try reads it again.
        this.#observed = undefined;
        retryMs = 0;
      }
    }
    if (this.#stopping !== undefined) return;
    const again = (): void => {
      this.#round = this.#try();
    };
    this.#timer = setTimeout(again, retryMs);
  }

  /** Reads the Lease, and takes or renews it if it is free or ours. */
  async #renew(startedMs: number): Promise<void> {
    const { client, namespace, name, identity } = this.#options;
    if (this.#term !== 'runs' || this.#observed === undefined) {
      const found = await client.get(leaseKind, namespace, name);
      if (found === undefined) return this.#hold(await client.create(this.#lease(undefined)), startedMs);
      this.#observe(found);
    }
    const observed = this.#observed;
    if (observed === undefined) return;
    const owner = evaluateLease(observed, identity, performance.now());
    if (owner === 'theirs') {
      await this.#lose(`${specOf(observed.lease).holderIdentity} has taken the Lease`);
      return;
    }
    await this.#hold(await client.replace(this.#lease(observed.lease)), startedMs);
  }

  #observe(lease: Resource): void {
    const isSame = this.#observed?.lease.metadata.resourceVersion === lease.metadata.resourceVersion;
    if (!isSame) this.#observed = { lease, sinceMs: performance.now() };
  }

  /** `askedMs`: when the request that renewed the Lease was sent. The time counts from there, because its answer may be slow. */
  async #hold(lease: Resource, askedMs: number): Promise<void> {
    this.#observe(lease);
    if (this.#term === 'ends') return;
    const { renewWithin } = this.#times;
    this.#untilMs = askedMs + renewWithin;
    clearTimeout(this.#expiry);
    const lose = (): void => void this.#lose('the Lease could not be renewed in time');
    this.#expiry = setTimeout(lose, this.#untilMs - performance.now());
    if (this.#term === 'runs') return;
    this.#term = 'runs';
    await this.#options.onLead();
  }

  async #lose(why: string): Promise<void> {
    clearTimeout(this.#expiry);
    if (this.#term !== 'runs') return;
    this.#term = 'ends';
    await this.#options.onLose(why);
    this.#term = 'none';
  }

  #lease(before: Resource | undefined): Resource {
    const { namespace, name, identity, podUid } = this.#options;
    const spec = before === undefined ? {} : specOf(before);
    const isOurs = spec.holderIdentity === identity;
    const now = microTime(new Date());
    return {
      apiVersion: leaseKind.apiVersion,
      kind: leaseKind.kind,
      metadata: { ...before?.metadata, name, namespace, ownerReferences: podOwner(identity, podUid) },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(this.#times.lease / 1000),
        acquireTime: isOurs ? (spec.acquireTime ?? now) : now,
        renewTime: now,
        leaseTransitions: (spec.leaseTransitions ?? 0) + (isOurs || before === undefined ? 0 : 1),
      },
    };
  }
}

/** The pod that a Lease is deleted with; none where its uid is not known. */
export function podOwner(name: string, uid: string | undefined): OwnerReference[] {
  return uid === undefined ? [] : [{ apiVersion: 'v1', kind: 'Pod', name, uid }];
}

export function specOf(lease: Resource): LeaseSpec {
  return lease.spec ?? {};
}

/** RFC 3339 with microseconds, which the API server requires for this type. */
export function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z');
}

function isConflict(error: unknown): boolean {
  return error instanceof MillraceError && error.code === 'MILLRACE_KUBERNETES_CONFLICT';
}
