// What only one trigger can have: of several, the oldest has it.
import { byAge, findTakenGroups } from '../../core/resources/group-holders.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { isDeployment } from './function-condition.ts';

export interface Claimant {
  readonly trigger: Resource;
  readonly subscription: Subscription;
}

/** What is claimed → key of the trigger that has it. */
export interface Holders {
  /** Key of the trigger that has the consumer group of `subscription`, where that is another. */
  groupOf(subscription: Subscription): string | undefined;
  /** Key of the trigger that has the Deployment of `subscription` scaled, where that is another. */
  targetOf(subscription: Subscription): string | undefined;
}

export function findHolders(claimants: readonly Claimant[]): Holders {
  const claims = claimants.map(({ trigger, subscription }) => ({
    subscription,
    createdAt: trigger.metadata.creationTimestamp,
  }));
  const groups = findTakenGroups(claims);
  const targets = new Map<string, string>();
  for (const { subscription } of claims.toSorted(byAge)) {
    const target = targetClaim(subscription);
    // Who has not even the group has nothing scaled.
    if (target === undefined || groups.has(subscription.key) || targets.has(target)) continue;
    targets.set(target, subscription.key);
  }
  return {
    groupOf: ({ key }) => groups.get(key),
    targetOf: (subscription) => {
      const holder = targets.get(targetClaim(subscription) ?? '');
      return holder === subscription.key ? undefined : holder;
    },
  };
}

function targetClaim({ namespace, function: { target } }: Subscription): string | undefined {
  return isDeployment(target) ? `${namespace}/${target.name}` : undefined;
}
