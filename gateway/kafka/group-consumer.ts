// One life of a kafkajs consumer, with what the client lacks: cooperative rebalances, commits that are fenced by generation,
// word of batches that hold nothing but transaction markers and of offsets out of range, and a crash that is told instead of
// mended in silence.
import { type Batch, type Kafka, type PartitionAssigner } from 'kafkajs';
import type { PartitionProgress } from '../contract/ports.ts';
import { partitionName, type TopicPartition } from '../contract/record.ts';
import { encodeAssignment, encodeClaim, stickyProtocol } from './sticky-assignor.ts';

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

/** `fetchedOffset`: where the client asked for it. */
export type FetchedBatch = Batch & { readonly fetchedOffset: string };

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
  /** False for a batch that is not the next one of its partition: it counts as not fetched. */
  readonly onBatch: (batch: FetchedBatch) => boolean;
  /** As `onBatch`, of a batch without records that was fetched at `fetchedOffset`. */
  readonly onMarkersOnly: (partition: TopicPartition, fetchedOffset: bigint, nextOffset: bigint) => void;
  /** The lease was over, and is not any more: nobody else was given anything. */
  readonly onLeaseRenewed: () => void;
  /** The broker has no record at the offset that was fetched; nothing is fetched here until a `seek`. */
  readonly onOutOfRange: (partition: TopicPartition) => void;
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
    maxBytes: 4 * 1024 * 1024,
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
  const start = async (topics: readonly string[]): Promise<void> => {
    await consumer.connect();
    if (group.isOver) return;
    // Wherever the client chooses an offset itself, for an instant, it is none past what is there.
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    if (group.isOver) return;
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => {
        if (options.onBatch(payload.batch as FetchedBatch)) payload.resolveOffset(payload.batch.lastOffset());
        return Promise.resolve();
      },
    });
  };
  const whenJoined =
    (change: (list: { topic: string; partitions: number[] }[]) => void) =>
    (partitions: readonly TopicPartition[]): void => {
      if (!hasJoined) return;
      change(partitions.map(({ topic, partition }) => ({ topic, partitions: [partition] })));
    };
  return {
    seek: ({ topic, partition }, offset) => {
      if (hasJoined) consumer.seek({ topic, partition, offset: String(offset) });
    },
    pause: whenJoined((list) => consumer.pause(list)),
    resume: whenJoined((list) => consumer.resume(list)),
    crashed: crash.promise,
    get leaseEndMs() {
      return group.leaseEndMs;
    },
    get joiningSinceMs() {
      return group.joiningSinceMs;
    },
    partitionCount: (topic) => group.partitionCount(topic),
    answeredMs: (partition) => group.answered.get(partitionName(partition)),
    start: (topics) => (starting = start(topics)),
    commit: (offsets) => group.commit(offsets),
    rejoin: () => group.rejoin(),
    stop: async ({ leave }) => {
      group.end(leave);
      await consumer.disconnect();
      // A start that was under way may have connected again since.
      await starting.catch(() => undefined);
      await consumer.disconnect();
    },
  };
}

/** What we use of the client beyond its types; frozen upstream, and pinned here. */
interface JoinAnswer {
  readonly memberId: string;
  readonly generationId: number;
}
interface Coordinator {
  readonly nodeId: string;
  joinGroup(request: { readonly memberId: string }): Promise<JoinAnswer>;
  heartbeat(request: object): Promise<unknown>;
  leaveGroup(request: object): Promise<unknown>;
  fetch(request: FetchRequest): Promise<FetchAnswer>;
  offsetCommit(request: CommitRequest): Promise<unknown>;
  isConnected(): boolean;
}
interface FetchRequest {
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string }[];
  }[];
}
interface FetchAnswer {
  readonly responses: readonly {
    readonly topicName: string;
    readonly partitions: readonly { readonly partition: number; readonly messages: readonly unknown[] }[];
  }[];
}
interface Cluster {
  findGroupCoordinator(group: { groupId: string }): Promise<Coordinator>;
  findBroker(broker: { nodeId: string }): Promise<Coordinator>;
  refreshMetadata(): Promise<void>;
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
 * This member as its group sees it. kafkajs hands its cluster to the assignor, and looks up its brokers there: what goes to
 * the coordinator passes by here.
 */
class GroupMember {
  leaseEndMs = Number.NEGATIVE_INFINITY;
  /** From the beginning, and from each claim, until the join came to its end. */
  joiningSinceMs: number | undefined = performance.now();
  /** By the name of the partition, as the next: when a fetch was last answered with nothing. */
  readonly answered = new Map<string, number>();
  /** The offset that was last fetched. */
  readonly fetched = new Map<string, string>();
  #leaves = true;
  isOver = false;
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
  #underWay: Promise<JoinAnswer> | undefined;
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
    const findBroker = ours.findBroker.bind(ours);
    ours.findGroupCoordinator = async (group) => {
      if (this.isOver) throw overError();
      return (this.#coordinator = this.#watch(await find(group)));
    };
    ours.findBroker = async (broker) => this.#watch(await findBroker(broker));
    this.#cluster = ours;
    const partitionsOf = (topic: string): number[] =>
      ours.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
    return {
      ...stickyProtocol,
      assign: ({ members }) => Promise.resolve(encodeAssignment(members, partitionsOf)),
      protocol: ({ topics }) => {
        this.joiningSinceMs ??= performance.now();
        // Else it is not sent: see `#join`.
        if (this.#underWay === undefined) this.#claimed = this.#options.owned();
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
    this.joiningSinceMs = undefined;
    const partitions = Object.entries(assignment).flatMap(([topic, ids]) =>
      ids.map((partition) => ({ topic, partition })),
    );
    const claimed = this.#claimed;
    this.#options.onJoined({ ...membership, partitions, claimed, isContinuous });
  }

  rejoin(): void {
    this.#rejoins = true;
  }

  /** With a client that hangs, something of it may live on: it does not meddle with the group any more. */
  end(leaves: boolean): void {
    this.#leaves = leaves;
    this.isOver = true;
  }

  partitionCount(topic: string): number | undefined {
    return this.#cluster?.findTopicPartitionMetadata(topic).length;
  }

  /** Not by the client: that resolves a commit that it never sent, and sends one again in whatever generation it is then. */
  async commit(offsets: readonly PartitionProgress[]): Promise<void> {
    const membership = this.#current;
    if (membership === undefined || this.#coordinator === undefined || this.#cluster === undefined)
      throw new Error('not a member of the group at present');
    if (!this.#coordinator.isConnected())
      this.#coordinator = await this.#cluster.findBroker(this.#coordinator);
    const send = this.#originals.get(this.#coordinator);
    await send?.({
      groupId: this.#options.groupId,
      memberId: membership.memberId,
      groupGenerationId: membership.generation,
      topics: byTopic(offsets),
    });
  }

  #watch(broker: Coordinator): Coordinator {
    if (this.#originals.has(broker)) return broker;
    const join = broker.joinGroup.bind(broker);
    const beat = broker.heartbeat.bind(broker);
    const leave = broker.leaveGroup.bind(broker);
    const fetch = broker.fetch.bind(broker);
    this.#originals.set(broker, broker.offsetCommit.bind(broker));
    broker.joinGroup = (request) =>
      this.#join(request.memberId, (memberId) => join({ ...request, memberId }));
    broker.heartbeat = async (request) => {
      // Not to be told as a crash while the client is about to leave.
      if (this.isOver) return undefined;
      if (this.#rejoins) throw rebalanceError();
      const sentMs = performance.now();
      const answer = await beat(request);
      const wasOver = performance.now() >= this.leaseEndMs;
      this.leaseEndMs = sentMs + sessionTimeoutMs;
      if (wasOver) this.#options.onLeaseRenewed();
      return answer;
    };
    broker.leaveGroup = (request) => (this.#leaves ? leave(request) : Promise.resolve());
    broker.fetch = async (request) => {
      for (const { topic, partitions } of request.topics)
        for (const { partition, fetchOffset } of partitions)
          this.fetched.set(partitionName({ topic, partition }), fetchOffset);
      const answer = await fetch(request);
      const nowMs = performance.now();
      for (const { topicName: topic, partitions } of answer.responses)
        for (const { partition, messages } of partitions)
          if (messages.length === 0) this.answered.set(partitionName({ topic, partition }), nowMs);
      return answer;
    };
    // Nothing but our own commits, which do not come this way: the client wants to forget where the group stands.
    broker.offsetCommit = ({ topics }) => {
      for (const { topic, partitions } of topics)
        for (const { partition } of partitions) this.#options.onOutOfRange({ topic, partition });
      return Promise.resolve([]);
    };
    return broker;
  }

  /**
   * Several fetches may each want to join for the same news: Kafka answers only the last of two joins of a member, so that they
   * share one.
   */
  async #join(asked: string, send: (memberId: string) => Promise<JoinAnswer>): Promise<JoinAnswer> {
    if (this.isOver) throw overError();
    if (this.#underWay === undefined) {
      this.#rejoins = false;
      this.#underWay = this.#joinOnce(asked, send).finally(() => (this.#underWay = undefined));
    }
    return this.#underWay;
  }

  async #joinOnce(asked: string, send: (memberId: string) => Promise<JoinAnswer>): Promise<JoinAnswer> {
    const memberId = this.#successorOf ?? asked;
    // A group that does not know the member any more says so, and the client joins as a new one.
    this.#successorOf = undefined;
    const sentMs = performance.now();
    const answer = await send(memberId);
    this.#noteJoin({ memberId: answer.memberId, generation: answer.generationId }, sentMs);
    // Whoever joins for partitions that came or went must know of them. A topic that is gone makes it fail.
    await this.#cluster?.refreshMetadata().catch(() => undefined);
    return answer;
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

function overError(): Error {
  return Object.assign(new Error('this client is not a member any more'), { retriable: false });
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
