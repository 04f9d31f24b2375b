// One life of a kafkajs consumer, with what the client lacks: cooperative rebalances, commits that are fenced by generation,
// word of batches that hold nothing but transaction markers and of offsets out of range, and a crash that is told instead of
// mended in silence.
import type { Batch, Consumer, ConsumerConfig, Kafka } from 'kafkajs';
import type { PartitionProgress } from '../../contract/record-source.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import { GroupMember, sessionTimeoutMs, type GroupMemberOptions, type Membership } from './group-member.ts';
import type { FairScheduler } from '../fetch/fair-scheduler.ts';

/** `fetchedOffset`: where the client asked for it. */
export type FetchedBatch = Batch & { readonly fetchedOffset: string };

export interface GroupConsumerOptions extends GroupMemberOptions {
  readonly kafka: Kafka;
  /** Between the consumers of the process. */
  readonly scheduler: FairScheduler;
  /** False for a batch that is not the next one of its partition: it counts as not fetched. */
  readonly onBatch: (batch: FetchedBatch) => boolean;
  /** As `onBatch`, of a batch without records that was fetched at `fetchedOffset`. */
  readonly onMarkersOnly: (partition: TopicPartition, fetchedOffset: bigint, nextOffset: bigint) => void;
}

export interface GroupConsumer {
  /** From `offset` on. Does nothing before the first join, as do the next two: at a join all is told anew. */
  seek(partition: TopicPartition, offset: bigint): void;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Rejects when the client has given up. */
  readonly crashed: Promise<never>;
  /** Until then, in ms of `performance.now()`, the group cannot have given to others what this member has. */
  readonly leaseEndMs: number;
  /** Since when, in ms of `performance.now()`, this member waits for its group to take it; undefined where it does not. */
  readonly joiningSinceMs: number | undefined;
  /** Who this member is to its group: whoever comes after it goes on as the same. */
  readonly membership: Membership | undefined;
  /** How many partitions of `topic` the client knows of. */
  partitionCount(topic: string): number | undefined;
  /** When a fetch of the partition was last answered with nothing, in ms of `performance.now()`. */
  answeredMs(partition: TopicPartition): number | undefined;
  start(topics: readonly string[]): Promise<void>;
  /** Resolves when the group has taken the offsets; as a member of the generation that was joined last. */
  commit(offsets: readonly PartitionProgress[]): Promise<void>;
  /** Joins the group again, at the next heartbeat, with fresh metadata. */
  rejoin(): void;
  /** Without `leave` the group is not told: another client is about to go on as the same member. */
  stop(options: { readonly leave: boolean }): Promise<void>;
}

/**
 * Fetches wait this long at the broker for a record, in ms. A partition that is unpaused may wait as long for its first
 * fetch, and a stop for the last one; a shorter wait costs an idle trigger CPU.
 */
const maxWaitMs = 250;
/** A member learns of a rebalance by its heartbeat: what moves waits for two of them, in ms. */
const heartbeatMs = 300;

const settings = {
  sessionTimeout: sessionTimeoutMs,
  rebalanceTimeout: 30_000,
  heartbeatInterval: heartbeatMs,
  minBytes: 1,
  maxBytesPerPartition: 256 * 1024,
  // What one answer holds is decoded in one go, and all else waits: some 30 ms for records of 400 bytes.
  maxBytes: 1024 * 1024,
  maxWaitTimeInMs: maxWaitMs,
  metadataMaxAge: 30_000,
  allowAutoTopicCreation: false,
  retry: {
    initialRetryTime: 100,
    maxRetryTime: 2_000,
    retries: 5,
    restartOnFailure: () => Promise.resolve(false),
  },
} satisfies Partial<ConsumerConfig>;

export function createGroupConsumer(options: GroupConsumerOptions): GroupConsumer {
  const group = new GroupMember(options);
  const { groupId } = options;
  const partitionAssigners = [group.assigner.bind(group)];
  const consumer = options.kafka.consumer({ ...settings, groupId, partitionAssigners });
  const crash = Promise.withResolvers<never>();
  // Nobody may be listening yet, or any more.
  crash.promise.catch(() => undefined);
  const { CRASH, GROUP_JOIN, END_BATCH_PROCESS } = consumer.events;
  consumer.on(CRASH, ({ payload }) => crash.reject(payload.error));
  let hasJoined = false;
  consumer.on(GROUP_JOIN, ({ payload }) => {
    hasJoined = true;
    group.joined(payload.memberAssignment);
  });
  consumer.on(END_BATCH_PROCESS, ({ payload: { topic, partition, batchSize, lastOffset } }) => {
    const fetched = batchSize === 0 ? group.fetched.get(partitionName({ topic, partition })) : undefined;
    if (fetched !== undefined)
      options.onMarkersOnly({ topic, partition }, BigInt(fetched), BigInt(lastOffset) + 1n);
  });
  let starting: Promise<void> = Promise.resolve();
  return {
    seek: ({ topic, partition }, offset) => {
      if (hasJoined) consumer.seek({ topic, partition, offset: String(offset) });
    },
    pause: (partitions) => {
      if (hasJoined) consumer.pause(listed(partitions));
    },
    resume: (partitions) => {
      if (hasJoined) consumer.resume(listed(partitions));
    },
    crashed: crash.promise,
    get leaseEndMs() {
      return group.leaseEndMs;
    },
    get joiningSinceMs() {
      return group.joiningSinceMs;
    },
    get membership() {
      return group.membership;
    },
    partitionCount: (topic) => group.partitionCount(topic),
    answeredMs: (partition) => group.answered.get(partitionName(partition)),
    start: (topics) => (starting = start(consumer, group, topics, options)),
    commit: (offsets) => group.commit(offsets),
    rejoin: () => group.rejoin(),
    stop: async ({ leave }) => {
      group.end(leave);
      // The client leaves the group only where it has joined.
      if (leave) await starting.catch(() => undefined);
      await consumer.disconnect();
      group.giveUp();
      // A start that was under way may have connected again since.
      await starting.catch(() => undefined);
      await consumer.disconnect();
    },
  };
}

async function start(
  consumer: Consumer,
  group: GroupMember,
  topics: readonly string[],
  { onBatch, scheduler }: GroupConsumerOptions,
): Promise<void> {
  await consumer.connect();
  // Wherever the client chooses an offset itself, for an instant, it is none past what is there.
  if (!group.hasEnded()) await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  if (group.hasEnded()) return;
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch: (payload) => {
      const startedMs = performance.now();
      if (onBatch(payload.batch as FetchedBatch)) payload.resolveOffset(payload.batch.lastOffset());
      return scheduler.next(performance.now() - startedMs);
    },
  });
}

function listed(partitions: readonly TopicPartition[]): { topic: string; partitions: number[] }[] {
  return partitions.map(({ topic, partition }) => ({ topic, partitions: [partition] }));
}
