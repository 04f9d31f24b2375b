// One life of a kafkajs consumer, with what the client lacks: cooperative rebalances, commits that are fenced by generation,
// word of batches that hold nothing but transaction markers and of offsets out of range, and a crash that is told instead of
// mended in silence.
import type { Batch, Consumer, Kafka, PartitionAssigner } from 'kafkajs';
import type { PartitionProgress } from '../contract/ports.ts';
import type { TopicPartition } from '../contract/record.ts';
import { encodeAssignment, encodeClaim, stickyProtocol } from './sticky-assignor.ts';
import type { Turns } from './turns.ts';

/** Who a member is to its group, and when it last was one. */
export interface Membership {
  readonly memberId: string;
  readonly generation: number;
}

export interface JoinedGroup extends Membership {
  readonly partitions: readonly TopicPartition[];
  /** What this member said to have when it joined. */
  readonly claimed: readonly TopicPartition[];
  /** It was a member of every generation since the last join: nobody else can have had what it claimed. */
  readonly isContinuous: boolean;
}

export interface GroupConsumerOptions {
  readonly kafka: Kafka;
  readonly groupId: string;
  /**
   * Of the last client, where there was one: as the same member, this one takes over at once; as a new one it would have to
   * wait until the session of the old one is over.
   */
  readonly membership: Membership | undefined;
  /** What this member has, and claims when it joins. */
  readonly owned: () => readonly TopicPartition[];
  /** Called before the first fetch after a join. */
  readonly onJoined: (joined: JoinedGroup) => void;
  readonly onBatch: (batch: Batch) => void;
  readonly onMarkersOnly: (partition: TopicPartition, nextOffset: bigint) => void;
  /** The lease was over, and is not any more: nobody else was given anything. */
  readonly onLeaseRenewed: () => void;
  /** The broker has no record at the offset that was fetched; nothing is fetched here until a `seek`. */
  readonly onOutOfRange: (partition: TopicPartition) => void;
  /** Between the consumers of the process. */
  readonly turns: Turns;
}

export interface GroupConsumer {
  readonly consumer: Consumer;
  /** Rejects when the client has given up. */
  readonly crashed: Promise<never>;
  /** Until then, in ms of `performance.now()`, the group cannot have given to others what this member has. */
  readonly leaseEndMs: number;
  start(topics: readonly string[]): Promise<void>;
  /** Resolves when the group has taken the offsets; as a member of the generation that was joined last. */
  commit(offsets: readonly PartitionProgress[]): Promise<void>;
  /** Joins the group again, at the next heartbeat. */
  rejoin(): void;
  /** Without `leave` the group is not told: another client is about to go on as the same member. */
  stop(options: { readonly leave: boolean }): Promise<void>;
}

/**
 * Fetches wait this long at the broker for a record, in ms. A partition that is unpaused may wait as long for its first
 * fetch, and a stop for the last one; a shorter wait costs an idle trigger CPU.
 */
const maxWaitMs = 250;
/** A member that is not heard of for this long is taken for dead, in ms; heartbeats also go out while a drain lasts. */
const sessionTimeoutMs = 10_000;
/** A member learns of a rebalance by its heartbeat: what moves waits for two of them, in ms. */
const heartbeatMs = 300;

export function createGroupConsumer(options: GroupConsumerOptions): GroupConsumer {
  const group = new GroupMember(options);
  const consumer = options.kafka.consumer({
    groupId: options.groupId,
    partitionAssigners: [(given) => group.assigner(given)],
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
  });
  const crash = Promise.withResolvers<never>();
  // Nobody may be listening yet, or any more.
  crash.promise.catch(() => undefined);
  const { CRASH, GROUP_JOIN, END_BATCH_PROCESS } = consumer.events;
  consumer.on(CRASH, ({ payload }) => crash.reject(payload.error));
  consumer.on(GROUP_JOIN, ({ payload }) => group.joined(payload.memberAssignment));
  consumer.on(END_BATCH_PROCESS, ({ payload: { topic, partition, batchSize, lastOffset } }) => {
    if (batchSize === 0) options.onMarkersOnly({ topic, partition }, BigInt(lastOffset) + 1n);
  });
  return {
    consumer,
    crashed: crash.promise,
    get leaseEndMs() {
      return group.leaseEndMs;
    },
    start: async (topics) => {
      await consumer.connect();
      // Wherever the client chooses an offset itself, for an instant, it is none past what is there.
      await consumer.subscribe({ topics: [...topics], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: (payload) => {
          const startedMs = performance.now();
          options.onBatch(payload.batch);
          payload.resolveOffset(payload.batch.lastOffset());
          return options.turns.next(performance.now() - startedMs);
        },
      });
    },
    commit: (offsets) => group.commit(offsets),
    rejoin: () => group.rejoin(),
    stop: async ({ leave }) => {
      group.leaves = leave;
      await consumer.disconnect();
    },
  };
}

/** What we use of the client beyond its types; frozen upstream, and pinned here. */
interface Coordinator {
  joinGroup(request: { readonly memberId: string }): Promise<{ memberId: string; generationId: number }>;
  heartbeat(request: object): Promise<unknown>;
  leaveGroup(request: object): Promise<unknown>;
  offsetCommit(request: CommitRequest): Promise<unknown>;
  isConnected(): boolean;
}
interface Cluster {
  findGroupCoordinator(group: { groupId: string }): Promise<Coordinator>;
  findBroker(broker: Coordinator): Promise<Coordinator>;
  findTopicPartitionMetadata(topic: string): { partitionId: number }[];
}
interface CommitRequest {
  readonly groupId: string;
  readonly memberId: string;
  readonly groupGenerationId: number;
  readonly topics: readonly {
    topic: string;
    partitions: { partition: number; offset: string; metadata?: string }[];
  }[];
}

/**
 * This member as its group sees it. kafkajs hands its cluster to the assignor, and the first thing of each join is to look up
 * the coordinator there: what goes to the coordinator afterwards passes by here.
 */
class GroupMember {
  leaseEndMs = Number.NEGATIVE_INFINITY;
  leaves = true;
  readonly #options: GroupConsumerOptions;
  readonly #originals = new WeakMap<Coordinator, Coordinator['offsetCommit']>();
  #cluster: Cluster | undefined;
  #coordinator: Coordinator | undefined;
  /** Of the last answer to a join; those who are members by it have no assignment yet. */
  #last: Membership | undefined;
  /** Of the last join that came to its end. */
  #current: Membership | undefined;
  #isContinuous = true;
  #claimed: readonly TopicPartition[] = [];
  #rejoins = false;
  /** The member id of the last client, until the first join. */
  #successorOf: string | undefined;

  constructor(options: GroupConsumerOptions) {
    this.#options = options;
    this.#last = options.membership;
    this.#successorOf = options.membership?.memberId;
  }

  assigner({ cluster }: Parameters<PartitionAssigner>[0]): ReturnType<PartitionAssigner> {
    const ours = cluster as unknown as Cluster;
    const find = ours.findGroupCoordinator.bind(ours);
    ours.findGroupCoordinator = async (group) => (this.#coordinator = this.#watch(await find(group)));
    this.#cluster = ours;
    const partitionsOf = (topic: string): number[] =>
      ours.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
    return {
      ...stickyProtocol,
      assign: ({ members }) => Promise.resolve(encodeAssignment(members, partitionsOf)),
      protocol: ({ topics }) => {
        this.#claimed = this.#options.owned();
        const generation = this.#last?.generation ?? -1;
        return {
          name: stickyProtocol.name,
          metadata: encodeClaim({ topics, generation, owned: this.#claimed }),
        };
      },
    };
  }

  joined(assignment: Readonly<Record<string, readonly number[]>>): void {
    const membership = this.#last;
    if (membership === undefined) return;
    const isContinuous = this.#isContinuous;
    this.#current = membership;
    this.#isContinuous = true;
    const partitions = Object.entries(assignment).flatMap(([topic, ids]) =>
      ids.map((partition) => ({ topic, partition })),
    );
    const claimed = this.#claimed;
    this.#options.onJoined({ ...membership, partitions, claimed, isContinuous });
  }

  rejoin(): void {
    this.#rejoins = true;
  }

  /** Not by the client: that resolves a commit that it never sent, and sends one again in whatever generation it is then. */
  async commit(offsets: readonly PartitionProgress[]): Promise<void> {
    const membership = this.#current;
    if (membership === undefined || this.#coordinator === undefined || this.#cluster === undefined)
      throw new Error('not a member of the group at present');
    if (!this.#coordinator.isConnected())
      this.#coordinator = this.#watch(await this.#cluster.findBroker(this.#coordinator));
    const send = this.#originals.get(this.#coordinator);
    await send?.({
      groupId: this.#options.groupId,
      memberId: membership.memberId,
      groupGenerationId: membership.generation,
      topics: byTopic(offsets),
    });
  }

  #watch(coordinator: Coordinator): Coordinator {
    if (this.#originals.has(coordinator)) return coordinator;
    const join = coordinator.joinGroup.bind(coordinator);
    const beat = coordinator.heartbeat.bind(coordinator);
    const leave = coordinator.leaveGroup.bind(coordinator);
    this.#originals.set(coordinator, coordinator.offsetCommit.bind(coordinator));
    coordinator.joinGroup = async (request) => {
      const memberId = this.#successorOf ?? request.memberId;
      // A group that does not know the member any more says so, and the client joins as a new one.
      this.#successorOf = undefined;
      this.#rejoins = false;
      const sentMs = performance.now();
      const answer = await join({ ...request, memberId });
      this.#noteJoin({ memberId: answer.memberId, generation: answer.generationId }, sentMs);
      return answer;
    };
    coordinator.heartbeat = async (request) => {
      if (this.#rejoins) throw rebalanceError();
      const sentMs = performance.now();
      const answer = await beat(request);
      const wasOver = performance.now() >= this.leaseEndMs;
      this.leaseEndMs = sentMs + sessionTimeoutMs;
      if (wasOver) this.#options.onLeaseRenewed();
      return answer;
    };
    coordinator.leaveGroup = (request) => (this.leaves ? leave(request) : Promise.resolve());
    // Nothing but our own commits, which do not come this way: the client wants to forget where the group stands.
    coordinator.offsetCommit = ({ topics }) => {
      for (const { topic, partitions } of topics)
        for (const { partition } of partitions) this.#options.onOutOfRange({ topic, partition });
      return Promise.resolve([]);
    };
    return coordinator;
  }

  #noteJoin(membership: Membership, sentMs: number): void {
    const before = this.#last;
    const isSame = before?.memberId === membership.memberId;
    const steps = membership.generation - (before?.generation ?? -1);
    if (before !== undefined && !(isSame && (steps === 0 || steps === 1))) this.#isContinuous = false;
    this.#last = membership;
    this.leaseEndMs = sentMs + sessionTimeoutMs;
  }
}

function rebalanceError(): Error {
  const error = new Error('this member has let go of partitions, and joins again');
  return Object.assign(error, { type: 'REBALANCE_IN_PROGRESS' });
}

function byTopic(offsets: readonly PartitionProgress[]): CommitRequest['topics'] {
  const topics = new Map<string, CommitRequest['topics'][number]['partitions']>();
  for (const { topic, partition, offset, metadata } of offsets) {
    const one = { partition, offset: String(offset), metadata };
    const list = topics.get(topic);
    if (list === undefined) topics.set(topic, [one]);
    else list.push(one);
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}
