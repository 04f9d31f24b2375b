// Who leads which partition and coordinates which group, kept for a while and forgotten when a broker says
// otherwise.
import type { Connections } from './broker-connections.ts';
import { SameTurn } from './same-turn.ts';
import { failureOf, leaderMissing, topicMissing, type OffsetFailure } from '../offsets/offset-failures.ts';
import {
  findCoordinatorsRequest,
  metadataRequest,
  type BrokerAddress,
  type ClusterMetadata,
  type CoordinatorKind,
  type TopicMetadata,
} from '../protocol/wire-requests.ts';

/** The topics of a cluster as one read sees them. */
export interface TopicView {
  /** Names of all topics that are not internal; only where the view was asked for all. */
  readonly names: readonly string[];
  /** All partitions of `topic`, each with its leader or why it has none, or why nothing is known of the topic. */
  leadersOf(topic: string): TopicLeaders | OffsetFailure;
  leaderOf(topic: string, partition: number): BrokerAddress | OffsetFailure;
  /** By its id; undefined where it is not known: it may be away. */
  brokerOf(nodeId: number): BrokerAddress | undefined;
  /** Whether our user lacks this right to `topic`; false where that was not asked, or the brokers do not tell. */
  lacks(right: TopicRight, topic: string): boolean;
  /** Undefined where it is not known. */
  leaderEpochOf(topic: string, partition: number): number | undefined;
  /** Undefined where the topic is not there, or brokers have no ids. */
  idOf(topic: string): string | undefined;
  /** Undefined where it is not known. */
  readonly clusterId: string | undefined;
}

/** A partition without a leader is no failure of the others. */
export type TopicLeaders = ReadonlyMap<number, BrokerAddress | OffsetFailure>;

export type TopicRight = 'read' | 'write';

export type CoordinatorOf = ReadonlyMap<string, BrokerAddress | OffsetFailure>;

export interface Topology {
  /** `undefined` asks for all topics. Rejects where no broker answers. */
  topics(wanted: ReadonlySet<string> | undefined, deadlineMs: number): Promise<TopicView>;
  /** Of groups, when `kind` is absent. Rejects where no broker answers. */
  coordinators(names: Iterable<string>, deadlineMs: number, kind?: CoordinatorKind): Promise<CoordinatorOf>;
  /** What is known of all topics at once is forgotten too. */
  forgetTopics(topics: Iterable<string>): void;
  forgetCoordinator(name: string, kind?: CoordinatorKind): void;
}

export interface TopologyOptions {
  readonly connections: Connections;
  /**
   * Milliseconds for which the metadata of a topic is kept where it is whole: how late a new partition is noticed at worst. 0: nothing is kept,
   * coordinators neither; only what is asked in the same turn has one answer.
   */
  readonly metadataMaxAgeMs: number;
  /** Whether it is told what our user may do with topics; not, when absent. */
  readonly asksRights?: boolean | undefined;
}

/** What one answer said of a topic. */
interface SeenTopic {
  readonly metadata: TopicMetadata | undefined;
  readonly leaders: TopicLeaders | OffsetFailure;
  readonly leaderEpochs: ReadonlyMap<number, number>;
  readonly untilMs: number;
}

/** Coordinators that nobody has asked for are forgotten after so long, in ms. */
const coordinatorMs = 600_000;

export function createTopology(options: TopologyOptions): Topology {
  return new KeptTopology(options);
}

class KeptTopology implements Topology {
  readonly #options: TopologyOptions;
  /** By name: readers who ask for different topics share what is known. */
  readonly #topics = new Map<string, SeenTopic>();
  /** The last answer about all topics. */
  #all: { readonly view: TopicView; readonly untilMs: number } | undefined;
  /** As the last answer named them. */
  #brokers: ReadonlyMap<number, BrokerAddress> = new Map();
  readonly #coordinators = new Map<string, { readonly broker: BrokerAddress; usedMs: number }>();
  #sweptMs = performance.now();
  /** Of the last answer. */
  #clusterId: string | undefined;
  readonly #topicReads = new SameTurn<ReadonlyMap<string, SeenTopic>>((...asked) => this.#read(...asked));
  readonly #coordinatorReads: Readonly<Record<CoordinatorKind, SameTurn<CoordinatorOf>>>;

  constructor(options: TopologyOptions) {
    this.#options = options;
    const readsOf = (kind: CoordinatorKind): SameTurn<CoordinatorOf> =>
      new SameTurn((...asked) => this.#readCoordinators(kind, ...asked));
    this.#coordinatorReads = {
      group: readsOf('group'),
      'transactional id': readsOf('transactional id'),
    };
  }

  async topics(wanted: ReadonlySet<string> | undefined, deadlineMs: number): Promise<TopicView> {
    const nowMs = performance.now();
    if (this.#all !== undefined && nowMs < this.#all.untilMs) return this.#all.view;
    if (wanted === undefined) return this.#readAll(deadlineMs);
    const isFresh = (topic: string): boolean => nowMs < (this.#topics.get(topic)?.untilMs ?? 0);
    const unknown = [...wanted].filter((topic) => !isFresh(topic));
    const seen = new Map([...wanted].map((topic) => [topic, this.#topics.get(topic)]));
    if (unknown.length > 0 || wanted.size === 0) {
      const found = await this.#topicReads.ask(unknown, deadlineMs);
      for (const topic of unknown) seen.set(topic, found.get(topic));
    }
    return viewOf((topic) => seen.get(topic), [], this.#brokers, this.#clusterId);
  }

  async coordinators(
    names: Iterable<string>,
    deadlineMs: number,
    kind: CoordinatorKind = 'group',
  ): Promise<CoordinatorOf> {
    const found = new Map<string, BrokerAddress | OffsetFailure>();
    const unknown: string[] = [];
    this.#sweep();
    for (const name of names) {
      const known = this.#coordinators.get(`${kind} ${name}`);
      if (known === undefined) unknown.push(name);
      else {
        known.usedMs = performance.now();
        found.set(name, known.broker);
      }
    }
    if (unknown.length === 0) return found;
    const read = await this.#coordinatorReads[kind].ask(unknown, deadlineMs);
    for (const name of unknown) {
      const coordinator = read.get(name);
      if (coordinator !== undefined) found.set(name, coordinator);
    }
    return found;
  }

  forgetTopics(topics: Iterable<string>): void {
    for (const topic of topics) this.#topics.delete(topic);
    this.#all = undefined;
  }

  forgetCoordinator(name: string, kind: CoordinatorKind = 'group'): void {
    this.#coordinators.delete(`${kind} ${name}`);
  }

  async #read(topics: readonly string[], deadlineMs: number): Promise<ReadonlyMap<string, SeenTopic>> {
    const seen = this.#seenIn(await this.#ask(topics, deadlineMs), topics);
    for (const [topic, found] of seen) if (found.untilMs > 0) this.#topics.set(topic, found);
    return seen;
  }

  async #readCoordinators(
    kind: CoordinatorKind,
    names: readonly string[],
    deadlineMs: number,
  ): Promise<CoordinatorOf> {
    const read = new Map<string, BrokerAddress | OffsetFailure>();
    const { connections, metadataMaxAgeMs } = this.#options;
    const answer = await connections.sendToAny(findCoordinatorsRequest(names, kind), deadlineMs);
    for (const { group: name, errorCode, broker } of answer) {
      const failure = failureOf(errorCode, `coordinator of ${kind} ${name}`);
      if (failure === undefined && metadataMaxAgeMs > 0)
        this.#coordinators.set(`${kind} ${name}`, { broker, usedMs: performance.now() });
      read.set(name, failure ?? broker);
    }
    return read;
  }

  async #readAll(deadlineMs: number): Promise<TopicView> {
    const metadata = await this.#ask(undefined, deadlineMs);
    const seen = this.#seenIn(
      metadata,
      metadata.topics.map(({ name }) => name),
    );
    const names = metadata.topics
      .filter(({ internal, errorCode }) => !internal && errorCode === 0)
      .map(({ name }) => name);
    const view = viewOf((topic) => seen.get(topic), names, this.#brokers, this.#clusterId);
    const { metadataMaxAgeMs } = this.#options;
    if (metadataMaxAgeMs > 0) this.#all = { view, untilMs: performance.now() + metadataMaxAgeMs };
    return view;
  }

  async #ask(topics: readonly string[] | undefined, deadlineMs: number): Promise<ClusterMetadata> {
    const { connections, asksRights = false } = this.#options;
    const metadata = await connections.sendToAny(metadataRequest(topics, asksRights), deadlineMs);
    this.#clusterId = metadata.clusterId;
    this.#sweep();
    return metadata;
  }

  /** A topic of which something is missing is asked for again at the next look. */
  #seenIn({ brokers, topics }: ClusterMetadata, names: readonly string[]): Map<string, SeenTopic> {
    const addresses = new Map(brokers.map((broker) => [broker.nodeId, broker]));
    this.#brokers = addresses;
    const byName = new Map(topics.map((topic) => [topic.name, topic]));
    const { metadataMaxAgeMs } = this.#options;
    const untilMs = metadataMaxAgeMs === 0 ? 0 : performance.now() + metadataMaxAgeMs;
    return new Map(
      names.map((name) => {
        const metadata = byName.get(name);
        const leaders = leadersIn(name, metadata, addresses);
        const leaderEpochs = new Map(
          metadata?.partitions.map(({ partition, leaderEpoch }) => [partition, leaderEpoch]),
        );
        return [name, { metadata, leaders, leaderEpochs, untilMs: isWhole(leaders) ? untilMs : 0 }];
      }),
    );
  }

  /** Forgets what nobody asks for any more; seldom, because it looks at everything. */
  #sweep(): void {
    const nowMs = performance.now();
    if (nowMs - this.#sweptMs < Math.max(this.#options.metadataMaxAgeMs, 1_000)) return;
    this.#sweptMs = nowMs;
    for (const [topic, { untilMs }] of this.#topics) if (untilMs <= nowMs) this.#topics.delete(topic);
    for (const [key, { usedMs }] of this.#coordinators)
      if (nowMs - usedMs > coordinatorMs) this.#coordinators.delete(key);
  }
}

function isWhole(leaders: TopicLeaders | OffsetFailure): boolean {
  return !('error' in leaders) && [...leaders.values()].every((leader) => !('error' in leader));
}

function viewOf(
  seen: (topic: string) => SeenTopic | undefined,
  names: readonly string[],
  brokers: ReadonlyMap<number, BrokerAddress>,
  clusterId: string | undefined,
): TopicView {
  const leadersOf = (topic: string): TopicLeaders | OffsetFailure =>
    seen(topic)?.leaders ?? topicMissing(topic);
  return {
    names,
    clusterId,
    leadersOf,
    leaderOf(topic, partition) {
      const leaders = leadersOf(topic);
      return 'error' in leaders ? leaders : (leaders.get(partition) ?? leaderMissing(topic, partition));
    },
    brokerOf: (nodeId) => brokers.get(nodeId),
    leaderEpochOf: (topic, partition) => seen(topic)?.leaderEpochs.get(partition),
    idOf: (topic) => seen(topic)?.metadata?.id,
    lacks(right, topic) {
      const allowed = seen(topic)?.metadata?.allowed ?? 0;
      // Who sees a topic may describe it: a broker that does not even say so does not tell.
      return isAllowed(allowed, 'describe') && !isAllowed(allowed, right);
    },
  };
}

/** org.apache.kafka.common.acl.AclOperation. */
const operations = { read: 3, write: 4, describe: 8 } as const;

function isAllowed(allowed: number, operation: keyof typeof operations): boolean {
  return (allowed & (1 << operations[operation])) !== 0;
}

function leadersIn(
  topic: string,
  metadata: TopicMetadata | undefined,
  addresses: ReadonlyMap<number, BrokerAddress>,
): TopicLeaders | OffsetFailure {
  if (metadata === undefined || metadata.errorCode === 3) return topicMissing(topic);
  const failure = failureOf(metadata.errorCode, `metadata of ${topic}`);
  if (failure !== undefined) return failure;
  // A partition may carry an error of its replicas and be served all the same: only its leader counts.
  // Kafka 3.0 names them in no order.
  const inOrder = metadata.partitions.toSorted((a, b) => a.partition - b.partition);
  return new Map(
    inOrder.map(({ partition, leader }) => [
      partition,
      addresses.get(leader) ?? leaderMissing(topic, partition),
    ]),
  );
}
