// One controller at a time, by a Lease: whoever holds it leads until it has not been renewed for its whole duration, by the
// clock of whoever looks (as in client-go: two clocks that disagree make no two leaders). A leader that cannot renew stops
// before anybody else may begin.
import { MillraceError } from '../contract/errors.ts';
import { leaseKind } from '../resources/kinds.ts';
import type { KubernetesClient, Resource } from '../contract/kubernetes-client.ts';

export interface LeaderOptions {
  readonly client: Pick<KubernetesClient, 'get' | 'create' | 'replace'>;
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Of this process. */
  readonly identity: string;
  /** UID of the pod, which the Lease goes with; absent outside a cluster. */
  readonly podUid?: string | undefined;
  /** Begins to lead. Must not reject. */
  readonly onLead: () => Promise<void>;
  /** Ends what `onLead` began, soon; awaited. Must not reject. */
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
  /** Gives the Lease back, so that another leads at once. Idempotent. */
  stop(): Promise<void>;
}

export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/** The state of a Lease, and since when it has been so by our own clock. */
export interface SeenLease {
  readonly lease: Resource;
  readonly sinceMs: number;
}

/** `take` where nobody holds it any more. */
export function evaluateLease(
  { lease, sinceMs }: SeenLease,
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
  #seen: SeenLease | undefined;
  /** From `onLead` to the call of `onLose`; and until that has resolved, no other term begins. */
  #term: 'none' | 'runs' | 'ends' = 'none';
  /** Nobody else may begin before, by our own clock. */
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
    await this.#lose('it stops');
    const { lease } = this.#seen ?? {};
    // Whoever waits need not wait for its end.
    if (lease !== undefined)
      await this.#options.client
        .replace({ ...lease, spec: { ...specOf(lease), holderIdentity: '', leaseDurationSeconds: 1 } })
        .catch(() => undefined);
  }

  async #try(): Promise<void> {
    const startedMs = performance.now();
    try {
      await this.#renew(startedMs);
    } catch (error) {
      // Changed by another: what it is now is read at the next try, which is soon.
      if (isConflict(error)) this.#seen = this.#term === 'runs' ? undefined : this.#seen;
      else this.#options.onTrouble(error);
    }
    if (this.#stopping !== undefined) return;
    const again = (): void => {
      this.#round = this.#try();
    };
    this.#timer = setTimeout(again, this.#times.retry * (0.9 + Math.random() / 5));
  }

  /** Looks, and takes or renews the Lease where that is ours to do. */
  async #renew(startedMs: number): Promise<void> {
    const { client, namespace, name, identity } = this.#options;
    if (this.#term !== 'runs' || this.#seen === undefined) {
      const found = await client.get(leaseKind, namespace, name);
      if (found === undefined) return this.#hold(await client.create(this.#lease(undefined)), startedMs);
      this.#note(found);
    }
    const seen = this.#seen;
    if (seen === undefined) return;
    const verdict = evaluateLease(seen, identity, performance.now());
    if (verdict === 'theirs') {
      await this.#lose(`${specOf(seen.lease).holderIdentity} has taken its Lease`);
      return;
    }
    await this.#hold(await client.replace(this.#lease(seen.lease)), startedMs);
  }

  #note(lease: Resource): void {
    const isSame = this.#seen?.lease.metadata.resourceVersion === lease.metadata.resourceVersion;
    if (!isSame) this.#seen = { lease, sinceMs: performance.now() };
  }

  /** `askedMs`: when the request was made that renewed it. An answer that never comes must not keep us leading. */
  async #hold(lease: Resource, askedMs: number): Promise<void> {
    this.#note(lease);
    if (this.#term === 'ends') return;
    const { renewWithin } = this.#times;
    this.#untilMs = askedMs + renewWithin;
    clearTimeout(this.#expiry);
    const lose = (): void => void this.#lose('it could not renew its Lease in time');
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
    const owner =
      podUid === undefined ? [] : [{ apiVersion: 'v1', kind: 'Pod', name: identity, uid: podUid }];
    return {
      apiVersion: leaseKind.apiVersion,
      kind: leaseKind.kind,
      metadata: { ...before?.metadata, name, namespace, ownerReferences: owner },
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

export function specOf(lease: Resource): LeaseSpec {
  return lease.spec ?? {};
}

/** RFC 3339 with microseconds, as the API server wants it here. */
export function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z');
}

function isConflict(error: unknown): boolean {
  return error instanceof MillraceError && error.code === 'MILLRACE_KUBERNETES_CONFLICT';
}
