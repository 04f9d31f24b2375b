// What the controller needs of the model: how a Trigger is read, and what annotations mean.
import type { CheckExpression } from '../../gateway/contract/expressions.ts';
import type { Resource } from '../../gateway/contract/kubernetes.ts';
import { declareTrigger, readTriggerResource } from '../../gateway/contract/trigger-resource.ts';
import type { Reading } from './plan/observed.ts';

export interface TriggerModel {
  /** `clusters` are the KafkaClusters of all namespaces. */
  read(trigger: Resource, clusters: readonly Resource[]): Reading;
  /** The Trigger that the annotations of `deployment` mean, with what is wrong with them in `mistakesAnnotation`. */
  declare(deployment: Resource): Resource;
}

export function createTriggerModel(checkExpression: CheckExpression): TriggerModel {
  return {
    read: (trigger, clusters) => readTriggerResource(trigger, { checkExpression, clusters }),
    declare: declareTrigger,
  };
}
