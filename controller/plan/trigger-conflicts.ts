// What only one trigger can have: a consumer group, and the scaling of a Deployment. Of several triggers, the oldest has it.
import { byAge, findTakenGroups } from '../../core/resources/group-holders.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { isDeployment } from './function-condition.ts';

/** A trigger that is valid and not being deleted. */
export interface ActiveTrigger {
  readonly trigger: Resource;
  readonly subscription: Subscription;
}

export interface TriggerConflicts {
  /** Key of the other trigger that has the consumer group of `subscription`; undefined without a conflict. */
  groupHolder(subscription: Subscription): string | undefined;
  /** Key of the other trigger that the Deployment of `subscription` is scaled for; undefined without a conflict. */
  deploymentHolder(subscription: Subscription): string | undefined;
}

export function findConflicts(active: readonly ActiveTrigger[]): TriggerConflicts {
  const claims = active.map(({ trigger, subscription }) => ({
    subscription,
    createdAt: trigger.metadata.creationTimestamp,
  }));
  const groups = findTakenGroups(claims);
  const deployments = new Map<string, string>();
  for (const { subscription } of claims.toSorted(byAge)) {
    const deployment = deploymentKey(subscription);
    // A trigger that does not have its group does not run, so nothing is scaled for it.
    if (deployment === undefined || groups.has(subscription.key) || deployments.has(deployment)) continue;
    deployments.set(deployment, subscription.key);
  }
  return {
    groupHolder: ({ key }) => groups.get(key),
    deploymentHolder: (subscription) => {
      const holder = deployments.get(deploymentKey(subscription) ?? '');
      return holder === subscription.key ? undefined : holder;
    },
  };
}

function deploymentKey({ namespace, function: { target } }: Subscription): string | undefined {
  return isDeployment(target) ? `${namespace}/${target.name}` : undefined;
}
