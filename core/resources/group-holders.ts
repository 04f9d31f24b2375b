// Who has a consumer group: of several triggers the oldest. Each of the others would take its partitions, and is not run.
import type { Subscription } from '../contract/subscription.ts';

export interface GroupClaim {
  readonly subscription: Subscription;
  /** The `creationTimestamp` of the trigger, RFC 3339; absent of one that is younger than all. */
  readonly createdAt: string | undefined;
}

/** The oldest first; of one age, by key. */
export function byAge(a: GroupClaim, b: GroupClaim): number {
  const [first, second] = [a, b].map(
    ({ createdAt, subscription: { key } }) => `${createdAt ?? '9999'} ${key}`,
  ) as [string, string];
  return first < second ? -1 : 1;
}

/** Key of a trigger → key of the older trigger that has its consumer group. */
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

/** Groups of two Kafka clusters have nothing to do with each other. */
function groupOf({ source: { access, consumerGroup } }: Subscription): string {
  return JSON.stringify([access?.brokers.toSorted() ?? [], consumerGroup]);
}
