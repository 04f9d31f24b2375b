// The subscriptions of a cluster: of all its triggers, those that run. The controller reports the mistakes of the others on the resources.
import type { Subscription } from '../../contract/subscription.ts';
import type { TriggerSource } from '../../contract/trigger-source.ts';
import type { TriggerInformer } from './trigger-informer.ts';
import type { TriggerChange, TriggerEntry } from './trigger-table.ts';

/** Called once for each mistake. `runs`: whether the trigger goes on with the version that was accepted last. */
export type OnWrongTrigger = (key: string, message: string, runs: boolean) => void;

export function createKubernetesTriggers(informer: TriggerInformer, onWrong: OnWrongTrigger): TriggerSource {
  return {
    watch: async (onChange) => {
      const wanted = new Map<string, Subscription>();
      const reported = new Map<string, string>();
      let isFirst = true;
      const update = ({ key, after }: TriggerChange): boolean => {
        reportOnce(key, after && mistakeOf(key, after, informer));
        const subscription = informer.table.groupHolder(key) === undefined ? after?.running : undefined;
        if (wanted.get(key) === subscription) return false;
        if (subscription === undefined) wanted.delete(key);
        else wanted.set(key, subscription);
        return true;
      };
      const reportOnce = (key: string, mistake: string | undefined): void => {
        if (mistake !== undefined && mistake !== reported.get(key))
          onWrong(key, mistake, informer.table.get(key)?.running !== undefined);
        if (mistake === undefined) reported.delete(key);
        else reported.set(key, mistake);
      };
      return informer.follow((changes) => {
        const hasChanged = changes.map(update).includes(true);
        if (!hasChanged && !isFirst) return;
        isFirst = false;
        onChange([...wanted.values()]);
      });
    },
  };
}

function mistakeOf(
  key: string,
  { resource, reading, running }: TriggerEntry,
  { table }: TriggerInformer,
): string | undefined {
  if (resource.metadata.deletionTimestamp !== undefined) return undefined;
  if (reading.kind === 'wrong') return reading.message;
  const holder = table.groupHolder(key);
  if (holder === undefined) return undefined;
  const group = running?.source.consumerGroup ?? '';
  return `spec.source.consumerGroup: ${group} is the group of the older trigger ${holder}: each would take the other’s partitions. Create the trigger again with another group.`;
}
