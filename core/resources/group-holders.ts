// If several triggers have the same consumer group, the oldest keeps it. The others would take its partitions, so they do not run.
import type { Subscription } from '../contract/subscription.ts';

export interface GroupClaim {
  readonly subscription: Subscription;
  /** The `creationTimestamp` of the trigger, RFC 3339. Undefined counts as the youngest. */
  readonly createdAt: string | undefined;
}

/** Sorts the oldest first, and triggers of the same age by key. */
export function byAge(a: GroupClaim, b: GroupClaim): number {
  const [first, second] = [a, b].map(
    ({ createdAt, subscription: { key } }) => `${createdAt ?? '9999'} ${key}`,
  ) as [string, string];
  return first < second ? -1 : 1;
}

/** Key of a trigger → key of the older trigger that keeps the consumer group of both. */
export function findTakenGroups(claims: readonly GroupClaim[]): ReadonlyMap<string, string> {
  const holders = new Map<string, string>();
  const taken = new Map<string, string>();
  for (const { subscription } of claims.toSorted(byAge)) {
    const group = groupOf(subscription);
    const holder = holders.get(group);
    if (holder === undefined) holders.set(group, subscription.key);
    else taken.set(subscription.key, holder);
  }
  return taken;
}

/** Groups of the same name in two Kafka clusters are two groups. */
function groupOf({ source: { access, consumerGroup } }: Subscription): string {
  return JSON.stringify([access?.brokers.toSorted() ?? [], consumerGroup]);
}
