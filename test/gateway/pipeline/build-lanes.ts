// Set-up for tests of batches: the settings of a function, and lanes with records in them.
import { recordBytes } from '../../../core/contract/record.ts';
import type { FunctionSettings } from '../../../core/contract/subscription.ts';
import { Lanes } from '../../../gateway/delivery/lanes.ts';
import { OpenPartition } from '../../../gateway/pipeline/open-partition.ts';
import { PendingRecord } from '../../../gateway/pipeline/pending-record.ts';
import { eventOf, recordOf } from '../events/build.ts';
import { quickSubscription } from './run-pipeline.ts';

export const settingsOf = (
  contentMode: FunctionSettings['contentMode'],
  maxEvents = 100,
  maxBytes = 2 ** 20,
): FunctionSettings =>
  quickSubscription({ function: { contentMode, batch: { maxEvents, maxBytes, maxWaitMs: 50 } } }).function;

/** Lanes of one partition with a record of each key, in this order; offsets count from 0. */
export function lanesOf(keys: readonly string[], valueBytes = 10) {
  const lanes = new Lanes<PendingRecord>('key');
  const partition = new OpenPartition(
    { topic: 'orders', partition: 3 },
    { offset: 0n, metadata: '' },
    lanes.group(),
  );
  const deliveries = keys.map((key, index) => {
    const record = recordOf({ key, value: Buffer.alloc(valueBytes), offset: BigInt(index) });
    const delivery = new PendingRecord(partition, record, eventOf({ id: `${index}` }), recordBytes(record));
    partition.lanes.add(record.key, delivery);
    return delivery;
  });
  return { lanes, deliveries };
}
