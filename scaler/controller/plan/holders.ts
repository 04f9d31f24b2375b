// What only one trigger can have: of several, the oldest has it.
import type { Resource } from '../../../gateway/contract/kubernetes.ts';
import type { Subscription } from '../../../gateway/contract/subscription.ts';
import { isDeployment } from './judge-function.ts';

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
  const groups = new Map<string, string>();
  const targets = new Map<string, string>();
  for (const { subscription } of claimants.toSorted(byAge)) {
    const { key } = subscription;
    const group = groupClaim(subscription);
    if (!groups.has(group)) groups.set(group, key);
    // Who has not even the group has nothing scaled.
    if (groups.get(group) !== key) continue;
    const target = targetClaim(subscription);
    if (target !== undefined && !targets.has(target)) targets.set(target, key);
  }
  const other = (holder: string | undefined, key: string): string | undefined =>
    holder === key ? undefined : holder;
  return {
    groupOf: (subscription) => other(groups.get(groupClaim(subscription)), subscription.key),
    targetOf: (subscription) => other(targets.get(targetClaim(subscription) ?? ''), subscription.key),
  };
}

/** Groups of two Kafka clusters have nothing to do with each other. */
function groupClaim({ source }: Subscription): string {
  return JSON.stringify([source.brokers?.toSorted() ?? [], source.consumerGroup]);
}

function targetClaim({ namespace, function: { target } }: Subscription): string | undefined {
  return isDeployment(target) ? `${namespace}/${target.name}` : undefined;
}

function byAge(a: Claimant, b: Claimant): number {
  const [first, second] = [a, b].map(({ trigger }) => trigger.metadata.creationTimestamp ?? '') as [
    string,
    string,
  ];
  if (first !== second) return first < second ? -1 : 1;
  return a.subscription.key < b.subscription.key ? -1 : 1;
}
