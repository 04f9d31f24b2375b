// Where a group starts to read: at its committed offsets; where it has none, at the initial offset, which is committed
// before anything else, so that nothing produced from then on is missed.
import type { Admin } from 'kafkajs';
import type { PartitionOffset } from '../contract/ports.ts';
import type { TopicPartition } from '../contract/record.ts';
import type { InitialOffset } from '../contract/subscription.ts';

export interface StartOffset extends PartitionOffset {
  /** False: the group had no offset here, `offset` is the initial one and is not committed yet. */
  readonly committed: boolean;
}

/** The start offsets of `partitions`, which may be of several topics. Rejects when Kafka does not answer. */
export async function readStartOffsets(
  admin: Admin,
  groupId: string,
  partitions: readonly TopicPartition[],
  initial: InitialOffset,
): Promise<StartOffset[]> {
  const topics = [...new Set(partitions.map(({ topic }) => topic))];
  const committed = new Map<string, bigint>();
  for (const { topic, partitions: offsets } of await admin.fetchOffsets({ groupId, topics })) {
    for (const { partition, offset } of offsets) committed.set(`${topic}/${partition}`, BigInt(offset));
  }
  const initialOffsets = new Map<string, bigint>();
  for (const topic of topics) {
    const isNew = partitions.some(
      (one) => one.topic === topic && (committed.get(`${topic}/${one.partition}`) ?? -1n) < 0n,
    );
    if (!isNew) continue;
    for (const [partition, offset] of await readInitialOffsets(admin, topic, initial)) {
      initialOffsets.set(`${topic}/${partition}`, offset);
    }
  }
  return partitions.map(({ topic, partition }) => {
    const known = committed.get(`${topic}/${partition}`) ?? -1n;
    if (known >= 0n) return { topic, partition, offset: known, committed: true };
    const initialOffset = initialOffsets.get(`${topic}/${partition}`);
    if (initialOffset === undefined)
      throw new Error(`Kafka does not say where ${topic}-${partition} begins and ends`);
    return { topic, partition, offset: initialOffset, committed: false };
  });
}

async function readInitialOffsets(
  admin: Admin,
  topic: string,
  initial: InitialOffset,
): Promise<Map<number, bigint>> {
  if (typeof initial === 'object') {
    const found = await admin.fetchTopicOffsetsByTimestamp(topic, initial.timestampMs);
    return new Map(found.map(({ partition, offset }) => [partition, BigInt(offset)]));
  }
  const ends = await admin.fetchTopicOffsets(topic);
  return new Map(
    ends.map(({ partition, low, high }) => [partition, BigInt(initial === 'earliest' ? low : high)]),
  );
}
