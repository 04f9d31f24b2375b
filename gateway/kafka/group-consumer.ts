// One life of a kafkajs consumer, with what the client lacks: a sticky assignor, a pause before each join, word of batches
// that hold nothing but transaction markers, and a crash that is told instead of mended in silence.
import type { Batch, Consumer, Kafka, PartitionAssigner } from 'kafkajs';
import type { PartitionOffset } from '../contract/ports.ts';
import type { TopicPartition } from '../contract/record.ts';
import { encodeAssignment, encodeClaim, stickyProtocol } from './sticky-assignor.ts';
import type { Turns } from './turns.ts';

export interface GroupConsumerOptions {
  readonly kafka: Kafka;
  readonly groupId: string;
  /**
   * Who the last client was, where it crashed: as the same member, this one takes over at once; as a new one it would have to
   * wait until the session of the old one is over.
   */
  readonly memberId: string | undefined;
  /** What this member holds, for the sticky assignor. */
  readonly owned: () => readonly TopicPartition[];
  /** Awaited before each JoinGroup request; no heartbeat is sent meanwhile. */
  readonly beforeJoin: () => Promise<void>;
  /** Called before the first fetch after a join. */
  readonly onJoined: (partitions: readonly TopicPartition[], consumer: Consumer, memberId: string) => void;
  readonly onBatch: (batch: Batch, consumer: Consumer) => void;
  /** Between the consumers of the process. */
  readonly turns: Turns;
  readonly onMarkersOnly: (partition: TopicPartition, nextOffset: bigint, consumer: Consumer) => void;
}

export interface GroupConsumer {
  readonly consumer: Consumer;
  /** Rejects when the client has given up. */
  readonly crashed: Promise<never>;
  start(topics: readonly string[]): Promise<void>;
  /** Resolves when the group has taken the offsets. */
  commit(offsets: readonly PartitionOffset[]): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Fetches wait this long at the broker for a record, in ms. A partition that is unpaused may wait as long for its first
 * fetch, and a stop for the last one; a shorter wait costs an idle trigger CPU.
 */
const maxWaitMs = 250;

export function createGroupConsumer(options: GroupConsumerOptions): GroupConsumer {
  const consumer = options.kafka.consumer({
    groupId: options.groupId,
    partitionAssigners: [stickyAssignor(options)],
    sessionTimeout: 30_000,
    rebalanceTimeout: 60_000,
    heartbeatInterval: 1_000,
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
  });
  const crash = Promise.withResolvers<never>();
  // Nobody may be listening yet, or any more.
  crash.promise.catch(() => undefined);
  const { CRASH, GROUP_JOIN, END_BATCH_PROCESS } = consumer.events;
  consumer.on(CRASH, ({ payload }) => crash.reject(payload.error));
  consumer.on(GROUP_JOIN, ({ payload }) => {
    const partitions = Object.entries(payload.memberAssignment).flatMap(([topic, ids]) =>
      ids.map((partition) => ({ topic, partition })),
    );
    options.onJoined(partitions, consumer, payload.memberId);
  });
  consumer.on(END_BATCH_PROCESS, ({ payload: { topic, partition, batchSize, lastOffset } }) => {
    if (batchSize === 0) options.onMarkersOnly({ topic, partition }, BigInt(lastOffset) + 1n, consumer);
  });
  return {
    consumer,
    crashed: crash.promise,
    start: async (topics) => {
      await consumer.connect();
      // Offsets that are out of range mean deleted history: on from the earliest record, never past what is there.
      await consumer.subscribe({ topics: [...topics], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: (payload) => {
          const startedMs = performance.now();
          options.onBatch(payload.batch, consumer);
          payload.resolveOffset(payload.batch.lastOffset());
          return options.turns.next(performance.now() - startedMs);
        },
      });
    },
    commit: (offsets) => commit(consumer, offsets),
    stop: () => consumer.disconnect(),
  };
}

/** The client resolves a commit that it never sent, when it is joining or has crashed: what counts is its word that one was taken. */
async function commit(consumer: Consumer, offsets: readonly PartitionOffset[]): Promise<void> {
  const wanted = offsets.map(({ topic, partition, offset }) => ({
    topic,
    partition,
    offset: String(offset),
  }));
  const answers = { isTaken: false };
  const unwatch = consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
    const taken = new Set(
      payload.topics.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset }) => `${topic}/${partition}@${offset}`),
      ),
    );
    answers.isTaken ||= wanted.every(({ topic, partition, offset }) =>
      taken.has(`${topic}/${partition}@${offset}`),
    );
  });
  try {
    await consumer.commitOffsets(wanted);
  } finally {
    unwatch();
  }
  if (!answers.isTaken) throw new Error('not a member of the group at present');
}

/** What is not in the client's types. */
interface Coordinator {
  joinGroup(request: { readonly memberId: string }): Promise<unknown>;
}

/**
 * kafkajs has no callback before a rebalance, but it hands its cluster to the assignor, and the first thing of each join is to
 * look up the coordinator there: that is where `beforeJoin` is awaited, and where the first join gets the id of the last client.
 */
function stickyAssignor(options: GroupConsumerOptions): PartitionAssigner {
  return ({ cluster }) => {
    const joinable = cluster as unknown as {
      findGroupCoordinator: (group: { groupId: string }) => Promise<Coordinator>;
    };
    const find = joinable.findGroupCoordinator.bind(joinable);
    let { memberId } = options;
    joinable.findGroupCoordinator = async (group) => {
      await options.beforeJoin();
      const coordinator = await find(group);
      if (memberId !== undefined) joinOnceAs(coordinator, memberId);
      memberId = undefined;
      return coordinator;
    };
    const partitionsOf = (topic: string): number[] =>
      cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
    return {
      ...stickyProtocol,
      assign: ({ members }) => Promise.resolve(encodeAssignment(members, partitionsOf)),
      protocol: ({ topics }) => ({
        name: stickyProtocol.name,
        metadata: encodeClaim(topics, options.owned()),
      }),
    };
  };
}

/** A group that does not know the member any more says so, and the client joins as a new one. */
function joinOnceAs(coordinator: Coordinator, memberId: string): void {
  const join = coordinator.joinGroup.bind(coordinator);
  coordinator.joinGroup = (request) => {
    coordinator.joinGroup = join;
    return join({ ...request, memberId });
  };
}
