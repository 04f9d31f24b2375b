// Triggers and KafkaClusters for tests of the table of triggers, and what a source of triggers reports of them.
import type { Test } from 'tap';
import type { Resource } from '../../../../core/contract/kubernetes-client.ts';
import type { Subscription } from '../../../../core/contract/subscription.ts';
import { createKubernetesTriggers } from '../../../../core/kubernetes/informers/kubernetes-triggers.ts';
import { createTriggerInformer } from '../../../../core/kubernetes/informers/trigger-informer.ts';
import { kafkaClusterKind, triggerKind } from '../../../../core/resources/kinds.ts';
import { type MemoryKubernetes } from '../../../fixtures/kubernetes/memory-kubernetes.ts';

export type SmallSpec = { topics?: readonly unknown[]; cluster?: string; group?: string; ref?: string };

export function specOf({ topics = ['orders'], cluster, group, ref = 'f' }: SmallSpec): object {
  return {
    source: {
      topics,
      ...(cluster === undefined ? {} : { cluster }),
      ...(group === undefined ? {} : { consumerGroup: group }),
    },
    function: { ref: { name: ref } },
  };
}

export function trigger(name: string, spec: SmallSpec = {}, namespace = 'geo'): Resource {
  const { apiVersion, kind } = triggerKind;
  return { apiVersion, kind, metadata: { name, namespace }, spec: specOf(spec) };
}

export function kafkaCluster(name: string, spec: object, namespace = 'geo'): Resource {
  const { apiVersion, kind } = kafkaClusterKind;
  return { apiVersion, kind, metadata: { name, namespace }, spec };
}

export async function startTriggers(
  t: Test,
  kubernetes: MemoryKubernetes,
  { namespaces, signal }: { namespaces?: readonly string[]; signal?: AbortSignal } = {},
) {
  const informer = createTriggerInformer({
    resources: kubernetes,
    namespaces,
    signal,
    checkExpression: () => undefined,
    functionUris: 'guarded',
  });
  t.teardown(() => informer.stop());
  const reported: (readonly Subscription[])[] = [];
  const wrong: string[] = [];
  const source = createKubernetesTriggers(informer, (key, message, runs) =>
    wrong.push(`${key}: ${message}${runs ? ' Runs on.' : ''}`),
  );
  const stop = await source.watch((wanted) => reported.push(wanted));
  t.teardown(stop);
  /** As last reported: `geo/a orders`, and the brokers where a KafkaCluster has them. */
  const last = () =>
    reported
      .at(-1)
      ?.map(({ key, source: { topics, access } }) => [key, ...topics, ...(access?.brokers ?? [])].join(' '))
      .toSorted();
  return { informer, reported, wrong, last, stop };
}
