// Removes everything that the demo created in a cluster, dependents first.
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, MillraceError } from '../../../core/contract/errors.ts';
import { deploymentKind, triggerKind } from '../../../core/resources/kinds.ts';
import type { KubernetesClient, Resource } from '../../../core/contract/kubernetes-client.ts';
import { removeDemoNamespace } from './demo-namespace.ts';
import type { Feeder } from './feeder.ts';
import { withRetries } from './with-retries.ts';
import type { TriggerStates } from './trigger-states.ts';

export interface DemoResources {
  readonly namespace: Resource;
  readonly resources: readonly Resource[];
  readonly topics: readonly string[];
}

export interface RemoveDemoOptions {
  readonly client: KubernetesClient;
  /** Undefined if the run ended before it had any. */
  readonly states: TriggerStates | undefined;
  readonly feeder: Feeder | undefined;
}

/** Long, because gateways leave their consumer groups one after the other. */
const drainLimitMs = 90_000;

/**
 * Removes the triggers before their topics, so that no gateway misses a topic, and the namespace in any case. Returns what could
 * not be removed.
 */
export async function removeDemo(
  demo: DemoResources,
  { client, states, feeder }: RemoveDemoOptions,
): Promise<string[]> {
  const left: string[] = [];
  try {
    await removeTriggers(demo, client, states);
    // A fresh signal: the topics are removed even if the user has interrupted the demo.
    await feeder?.removeTopics(new AbortController().signal);
  } catch (error) {
    left.push(`the topics ${demo.topics.join(', ')}: ${describeError(error)}`);
  }
  try {
    await removeDemoNamespace(client, demo.namespace);
  } catch (error) {
    left.push(`the namespace ${demo.namespace.metadata.name}: ${describeError(error)}`);
  }
  return left;
}

/** Resolves when all triggers are gone, including those that the controller creates from annotations. */
async function removeTriggers(
  { namespace, resources }: DemoResources,
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
      throw new MillraceError('MILLRACE_DEMO_FAILED', 'the triggers that read them are still being deleted');
    await sleep(50);
  }
}
