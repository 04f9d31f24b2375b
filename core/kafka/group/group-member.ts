// A member of a group as the group sees it: what it claims, which generation it is of, how long its lease lasts. Commits are
// fenced by generation; what kafkajs says to the coordinator passes by here.
import type { PartitionAssigner } from 'kafkajs';
import type { PartitionProgress } from '../../contract/record-source.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import { encodeAssignment, encodeClaim, stickyProtocol } from './sticky-assignor.ts';

/** A member that is not heard of for this long is taken for dead, in ms; heartbeats also go out while a drain lasts. */
export const sessionTimeoutMs = 10_000;

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

export interface GroupMemberOptions {
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
  /** The lease was over, and is not any more: nobody else was given anything. */
  readonly onLeaseRenewed: () => void;
  /** The broker has no record at the offset that was fetched; nothing is fetched here until a `seek`. */
  readonly onOutOfRange: (partition: TopicPartition) => void;
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
export class GroupMember {
  leaseEndMs = Number.NEGATIVE_INFINITY;
  /** From the beginning, and from each claim, until the join came to its end. */
  joiningSinceMs: number | undefined = performance.now();
  /** By the name of the partition, as the next: when a fetch was last answered with nothing. */
  readonly answered = new Map<string, number>();
  /** The offset that was last fetched. */
  readonly fetched = new Map<string, string>();
  #leaves = false;
  #hasEnded = false;
  #isOver = false;
  readonly #options: GroupMemberOptions;
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

  constructor(options: GroupMemberOptions) {
    this.#options = options;
    this.#last = options.membership;
    this.#successorOf = options.membership?.memberId;
  }

  assigner({ cluster }: Parameters<PartitionAssigner>[0]): ReturnType<PartitionAssigner> {
    const ours = cluster as unknown as Cluster;
    const find = ours.findGroupCoordinator.bind(ours);
    const findBroker = ours.findBroker.bind(ours);
    ours.findGroupCoordinator = async (group) => {
      if (this.#isOver) throw overError();
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

  /** The client is about to stop. */
  end(leaves: boolean): void {
    this.#leaves = leaves;
    this.#hasEnded = true;
    // Who leaves must be a member for it: a join that is under way comes to its end, or the group would wait for this member.
    if (!leaves) this.giveUp();
  }

  /** Something of a client that hangs may live on: it does not meddle with the group any more. */
  giveUp(): void {
    this.#isOver = true;
  }

  /** Of the last answer to a join, also where that came to nothing; at first, of the last client. */
  get membership(): Membership | undefined {
    return this.#last;
  }

  hasEnded(): boolean {
    return this.#hasEnded;
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
      if (this.#isOver) return undefined;
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
    if (this.#isOver) throw overError();
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
    // A member that the group did without for one generation has another id from then on.
    if (this.#last !== undefined && this.#last.memberId !== membership.memberId) this.#isContinuous = false;
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
