// How the controller reads what users write: Triggers, and the annotations of Deployments.
import type { Resource } from '../core/contract/kubernetes-client.ts';
import {
  declareTrigger,
  readTriggerResource,
  type TriggerContext,
} from '../core/resources/trigger-resource.ts';
import type { ParsedTrigger } from './plan/observed-state.ts';

export interface TriggerParser {
  /** `clusters` are the KafkaClusters of all namespaces. */
  parse(trigger: Resource, clusters: readonly Resource[]): ParsedTrigger;
  /** The Trigger that the annotations of `deployment` describe. `mistakesAnnotation` on it lists what is wrong with them. */
  fromAnnotations(deployment: Resource): Resource;
}

export function createTriggerParser(context: Omit<TriggerContext, 'clusters'>): TriggerParser {
  return {
    parse: (trigger, clusters) => readTriggerResource(trigger, { ...context, clusters }),
    fromAnnotations: declareTrigger,
  };
}
