// What the controller needs of the model: how a Trigger is read, and what annotations mean.
import type { Resource } from '../core/contract/kubernetes-client.ts';
import {
  declareTrigger,
  readTriggerResource,
  type TriggerContext,
} from '../core/resources/trigger-resource.ts';
import type { Reading } from './plan/observed.ts';

export interface TriggerModel {
  /** `clusters` are the KafkaClusters of all namespaces. */
  read(trigger: Resource, clusters: readonly Resource[]): Reading;
  /** The Trigger that the annotations of `deployment` mean, with what is wrong with them in `mistakesAnnotation`. */
  declare(deployment: Resource): Resource;
}

export function createTriggerModel(context: Omit<TriggerContext, 'clusters'>): TriggerModel {
  return {
    read: (trigger, clusters) => readTriggerResource(trigger, { ...context, clusters }),
    declare: declareTrigger,
  };
}
