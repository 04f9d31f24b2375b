// The end of the demo in a cluster: all that it has made goes, in the order in which nobody misses anything.
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, MillraceError } from '../../../core/contract/errors.ts';
import { deploymentKind, triggerKind } from '../../../core/resources/kinds.ts';
import type { KubernetesClient, Resource } from '../../../core/contract/kubernetes-client.ts';
import { removeDemoNamespace } from './demo-namespace.ts';
import type { Feeder } from './feeder.ts';
import { withRetries } from './with-retries.ts';
import type { TriggerStates } from './trigger-states.ts';

export interface Made {
  readonly namespace: Resource;
  readonly resources: readonly Resource[];
  readonly topics: readonly string[];
}

export interface TakeAwayOptions {
  readonly client: KubernetesClient;
  /** Undefined where the run did not come so far. */
  readonly states: TriggerStates | undefined;
  readonly feeder: Feeder | undefined;
}

/** Gateways leave their groups one after the other. */
const drainLimitMs = 90_000;

/** The triggers before their topics, so that no gateway misses these; the namespace in any case. Tells what stays. */
export async function takeAway(made: Made, { client, states, feeder }: TakeAwayOptions): Promise<string[]> {
  const left: string[] = [];
  try {
    await removeTriggers(made, client, states);
    // What the user has interrupted is cleaned up all the same.
    await feeder?.removeTopics(new AbortController().signal);
  } catch (error) {
    left.push(`the topics ${made.topics.join(', ')}: ${describeError(error)}`);
  }
  try {
    await removeDemoNamespace(client, made.namespace);
  } catch (error) {
    left.push(`the namespace ${made.namespace.metadata.name}: ${describeError(error)}`);
  }
  return left;
}

/** Resolves when those are gone too that annotations meant. */
async function removeTriggers(
  { namespace, resources }: Made,
  client: KubernetesClient,
  states: TriggerStates | undefined,
): Promise<void> {
  for (const kind of [triggerKind, deploymentKind]) {
    for (const { metadata } of resources.filter((resource) => resource.kind === kind.kind))
      await withRetries(() => client.remove(kind, namespace.metadata.name, metadata.name));
  }
  const deadlineMs = performance.now() + drainLimitMs;
  while ((states?.triggers ?? 0) > 0) {
    if (performance.now() > deadlineMs)
      throw new MillraceError('MILLRACE_DEMO_FAILED', 'the triggers that read them do not go');
    await sleep(50);
  }
}
