// What only one trigger can have: a consumer group, or the scaling of a function. Of several that claim it, the oldest has it: the others
// would take its partitions, or scale against it.
import type { Subscription } from '../contract/subscription.ts';

interface Claim {
  readonly thing: string;
  /** Sorts the oldest first. */
  readonly age: string;
}

interface Claimant {
  readonly key: string;
  readonly age: string;
}

export class Holders {
  readonly #claims = new Map<string, Claim>();
  /** Thing → its claimants, oldest first. */
  readonly #claimants = new Map<string, Claimant[]>();

  /** `key` claims `thing`, and nothing else from now on. Returns the keys that this may matter to. */
  claim(key: string, thing: string, createdAt: string | undefined): ReadonlySet<string> {
    // A creationTimestamp is RFC 3339 in UTC, which sorts as text. A trigger without one counts as the youngest.
    const age = `${createdAt ?? '9999'} ${key}`;
    const before = this.#claims.get(key);
    if (before?.thing === thing && before.age === age) return new Set();
    const affected = new Set(this.release(key));
    this.#claims.set(key, { thing, age });
    const claimants = this.#claimantsOf(thing);
    const at = claimants.findIndex((other) => age < other.age);
    claimants.splice(at === -1 ? claimants.length : at, 0, { key, age });
    this.#claimants.set(thing, claimants);
    for (const other of claimants) affected.add(other.key);
    return affected;
  }

  release(key: string): readonly string[] {
    const claim = this.#claims.get(key);
    if (claim === undefined) return [];
    this.#claims.delete(key);
    const left = this.#claimantsOf(claim.thing).filter((other) => other.key !== key);
    if (left.length === 0) this.#claimants.delete(claim.thing);
    else this.#claimants.set(claim.thing, left);
    return left.map((other) => other.key);
  }

  /** The key of another trigger that has what `key` claims; undefined if it has it itself, or claims nothing. */
  otherHolder(key: string): string | undefined {
    const holder = this.holder(this.#claims.get(key)?.thing);
    return holder === key ? undefined : holder;
  }

  holder(thing: string | undefined): string | undefined {
    return thing === undefined ? undefined : this.#claimantsOf(thing)[0]?.key;
  }

  #claimantsOf(thing: string): Claimant[] {
    return this.#claimants.get(thing) ?? [];
  }

  get size(): number {
    return this.#claims.size;
  }
}

/** Groups of the same name in two Kafka clusters are two groups. */
export function groupOf({ source: { access, consumerGroup } }: Subscription): string {
  return JSON.stringify([access?.brokers.toSorted() ?? [], consumerGroup]);
}

/** The workload that `function.ref` names; undefined for another function, which nothing scales. */
export function workloadOf({ namespace, function: { target } }: Subscription): string | undefined {
  if (target.kind !== 'ref') return undefined;
  return workloadId(namespace, target.apiVersion, target.resource, target.name);
}

/** Without the version: a kind has the same resources in all its versions. */
export function workloadId(namespace: string, apiVersion: string, kind: string, name: string): string {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return `${kind}.${group} ${namespace}/${name}`;
}
