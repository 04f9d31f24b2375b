// Who leads which partition and coordinates which group, kept for a while and forgotten when a broker says
// otherwise.
import type { OffsetConnections } from './broker-connections.ts';
import { failureOf, leaderMissing, topicMissing, type OffsetFailure } from '../offsets/offset-failures.ts';
import {
  findCoordinatorsRequest,
  metadataRequest,
  type BrokerAddress,
  type ClusterMetadata,
  type TopicMetadata,
} from './wire-requests.ts';

/** The topics of a cluster as one poll sees them. */
export interface TopicView {
  /** Names of all topics that are not internal; only where the view was asked for all. */
  readonly names: readonly string[];
  /** Leaders by partition of `topic`, or why they are not known. */
  leadersOf(topic: string): ReadonlyMap<number, BrokerAddress> | OffsetFailure;
  /** Whether our user lacks this right to `topic`; false where that was not asked, or the brokers do not tell. */
  lacks(right: TopicRight, topic: string): boolean;
  /** Undefined where the topic is not there, or brokers have no ids. */
  idOf(topic: string): string | undefined;
}

export type TopicRight = 'read' | 'write';

export type CoordinatorOf = ReadonlyMap<string, BrokerAddress | OffsetFailure>;

export interface Topology {
  /** `undefined` asks for all topics. Rejects where no broker answers. */
  topics(wanted: ReadonlySet<string> | undefined, deadlineMs: number): Promise<TopicView>;
  /** Rejects where no broker answers. */
  coordinators(groups: Iterable<string>, deadlineMs: number): Promise<CoordinatorOf>;
  forgetTopics(): void;
  forgetCoordinator(group: string): void;
}

export interface TopologyOptions {
  readonly connections: OffsetConnections;
  /**
   * Milliseconds for which metadata is kept where it is whole: how late a new partition is noticed at worst.
   */
  readonly metadataMaxAgeMs: number;
  /** Whether it is told what our user may do with topics; not, when absent. */
  readonly asksRights?: boolean | undefined;
}

export function createTopology({
  connections,
  metadataMaxAgeMs,
  asksRights = false,
}: TopologyOptions): Topology {
  let kept:
    | { readonly view: TopicView; readonly wanted: ReadonlySet<string> | undefined; readonly untilMs: number }
    | undefined;
  const coordinators = new Map<string, BrokerAddress>();

  function covers(wanted: ReadonlySet<string> | undefined): boolean {
    if (kept === undefined || performance.now() >= kept.untilMs) return false;
    const { wanted: asked } = kept;
    return asked === undefined || (wanted !== undefined && [...wanted].every((topic) => asked.has(topic)));
  }

  return {
    async topics(wanted, deadlineMs) {
      if (kept !== undefined && covers(wanted)) return kept.view;
      const request = metadataRequest(wanted && [...wanted], asksRights);
      const metadata = await connections.sendToAny(request, deadlineMs);
      const view = viewOf(metadata);
      const complete =
        wanted === undefined || [...wanted].every((topic) => view.leadersOf(topic) instanceof Map);
      kept = { view, wanted, untilMs: performance.now() + (complete ? metadataMaxAgeMs : 0) };
      return view;
    },

    async coordinators(groups, deadlineMs) {
      const found = new Map<string, BrokerAddress | OffsetFailure>();
      const unknown: string[] = [];
      for (const group of groups) {
        const known = coordinators.get(group);
        if (known === undefined) unknown.push(group);
        else found.set(group, known);
      }
      if (unknown.length === 0) return found;
      for (const { group, errorCode, broker } of await connections.sendToAny(
        findCoordinatorsRequest(unknown),
        deadlineMs,
      )) {
        const failure = failureOf(errorCode, `coordinator of group ${group}`);
        if (failure === undefined) coordinators.set(group, broker);
        found.set(group, failure ?? broker);
      }
      return found;
    },

    forgetTopics() {
      kept = undefined;
    },

    forgetCoordinator(group) {
      coordinators.delete(group);
    },
  };
}

function viewOf({ brokers, topics }: ClusterMetadata): TopicView {
  const addresses = new Map(brokers.map((broker) => [broker.nodeId, broker]));
  const byName = new Map(topics.map((topic) => [topic.name, topic]));
  const leaders = new Map<string, ReadonlyMap<number, BrokerAddress> | OffsetFailure>();
  return {
    names: topics.filter(({ internal, errorCode }) => !internal && errorCode === 0).map(({ name }) => name),
    leadersOf(topic) {
      let known = leaders.get(topic);
      if (known === undefined) leaders.set(topic, (known = leadersIn(topic, byName.get(topic), addresses)));
      return known;
    },
    idOf: (topic) => byName.get(topic)?.id,
    lacks(right, topic) {
      const allowed = byName.get(topic)?.allowed ?? 0;
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
): ReadonlyMap<number, BrokerAddress> | OffsetFailure {
  if (metadata === undefined || metadata.errorCode === 3) return topicMissing(topic);
  const failure = failureOf(metadata.errorCode, `metadata of ${topic}`);
  if (failure !== undefined) return failure;
  const leaders = new Map<number, BrokerAddress>();
  for (const { partition, leader } of metadata.partitions) {
    const broker = addresses.get(leader);
    // A partition may carry an error of its replicas and be served all the same: only its leader counts.
    if (broker === undefined) return leaderMissing(topic, partition);
    leaders.set(partition, broker);
  }
  return leaders;
}
