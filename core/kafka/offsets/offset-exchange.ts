// The requests of one poll: one ListOffsets per broker for all topics, one OffsetFetch per coordinator for
// all groups. A broker that fails takes down its own partitions and groups, nobody else's.
import type { Connections } from '../connection/broker-connections.ts';
import { failureOf, requestFailed, type OffsetFailure } from './offset-failures.ts';
import {
  listOffsetsRequest,
  offsetFetchRequest,
  type BrokerAddress,
  type GroupOffsets,
  type LogEnd,
} from '../protocol/wire-requests.ts';
import type { Topology } from '../connection/topology.ts';

/** `topic/partition`; a topic's name never has a slash. */
export type PartitionKey = string;

export interface LedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly leader: BrokerAddress;
}

/** What a group has committed for a partition; undefined where nothing. */
export type Committed = CommittedProgress | undefined;

export interface CommittedProgress {
  readonly offset: bigint;
  /** What the committer stored beside the offset. */
  readonly metadata: string;
  /** Of the last record before the offset; absent where the committer did not say. */
  readonly leaderEpoch?: number | undefined;
}

/** Partitions by topic by group; undefined for all that the group has committed. */
export type GroupTopics = ReadonlyMap<string, GroupTopicsOf | undefined>;
export type TopicsByGroup = ReadonlyMap<string, ReadonlySet<string> | OffsetFailure>;
export type CommittedByGroup = ReadonlyMap<
  string,
  ReadonlyMap<PartitionKey, Committed | OffsetFailure> | OffsetFailure
>;

export function partitionKey(topic: string, partition: number): PartitionKey {
  return `${topic}/${partition}`;
}

/** Offsets at `timestamp` (milliseconds, or -1 for the end, -2 for the log start). Never rejects. */
export async function listOffsets(
  connections: Connections,
  partitions: Iterable<LedPartition>,
  timestamp: bigint,
  deadlineMs: number,
  end?: LogEnd,
): Promise<Map<PartitionKey, bigint | OffsetFailure>> {
  const offsets = new Map<PartitionKey, bigint | OffsetFailure>();
  const perLeader = Map.groupBy(partitions, ({ leader }) => leader.nodeId);
  const requests = [...perLeader.values()].map(async (led) => {
    const [first] = led;
    if (first === undefined) return;
    const topics = new Map<string, number[]>();
    for (const { topic, partition } of led) append(topics, topic, partition);
    try {
      for (const listed of await connections.sendTo(
        first.leader,
        listOffsetsRequest(topics, timestamp, end),
        deadlineMs,
      )) {
        const { topic, partition, errorCode, offset } = listed;
        offsets.set(
          partitionKey(topic, partition),
          failureOf(errorCode, `offsets of ${topic}-${partition}`) ?? offset,
        );
      }
    } catch (error) {
      for (const { topic, partition } of led)
        offsets.set(partitionKey(topic, partition), requestFailed(error));
    }
  });
  await Promise.all(requests);
  return offsets;
}

/** Names of the topics that each group has committed offsets in. Never rejects. */
export async function fetchTopics(
  connections: Connections,
  topology: Topology,
  asking: readonly { readonly group: string }[],
  deadlineMs: number,
): Promise<TopicsByGroup> {
  if (asking.length === 0) return new Map();
  const groups = new Map(asking.map(({ group }) => [group, undefined]));
  const committed = await fetchCommitted(connections, topology, groups, deadlineMs);
  const topicsOf = (partitions: ReadonlyMap<PartitionKey, unknown>): ReadonlySet<string> =>
    new Set([...partitions.keys()].map((key) => key.slice(0, key.lastIndexOf('/'))));
  return new Map(
    [...committed].map(([group, answer]) => [group, 'error' in answer ? answer : topicsOf(answer)]),
  );
}

/** Committed offsets of all partitions that `groups` names. Never rejects. */
export async function fetchCommitted(
  connections: Connections,
  topology: Topology,
  groups: GroupTopics,
  deadlineMs: number,
): Promise<CommittedByGroup> {
  const committed = new Map<string, ReadonlyMap<PartitionKey, Committed | OffsetFailure> | OffsetFailure>();
  const fail = (names: Iterable<string>, error: unknown): void => {
    for (const group of names) committed.set(group, requestFailed(error));
  };
  const perCoordinator = new Map<
    number,
    { readonly broker: BrokerAddress; readonly groups: Map<string, GroupTopicsOf | undefined> }
  >();
  try {
    for (const [group, coordinator] of await topology.coordinators(groups.keys(), deadlineMs)) {
      if ('error' in coordinator) {
        committed.set(group, coordinator);
        continue;
      }
      let share = perCoordinator.get(coordinator.nodeId);
      if (share === undefined)
        perCoordinator.set(coordinator.nodeId, (share = { broker: coordinator, groups: new Map() }));
      share.groups.set(group, groups.get(group));
    }
  } catch (error) {
    fail(groups.keys(), error);
  }
  const requests = [...perCoordinator.values()].map(async (share) => {
    try {
      const answers = await connections.sendTo(share.broker, offsetFetchRequest(share.groups), deadlineMs);
      for (const answer of answers) committed.set(answer.group, offsetsOf(answer));
    } catch (error) {
      fail(share.groups.keys(), error);
    }
  });
  await Promise.all(requests);
  return committed;
}

type GroupTopicsOf = ReadonlyMap<string, ReadonlySet<number>>;

function offsetsOf({
  group,
  errorCode,
  offsets,
}: GroupOffsets): ReadonlyMap<PartitionKey, Committed | OffsetFailure> | OffsetFailure {
  const failure = failureOf(errorCode, `committed offsets of group ${group}`);
  if (failure !== undefined) return failure;
  const committed = new Map<PartitionKey, Committed | OffsetFailure>();
  for (const { topic, partition, errorCode: code, offset, metadata, leaderEpoch } of offsets) {
    const progress = leaderEpoch < 0 ? { offset, metadata } : { offset, metadata, leaderEpoch };
    const found = offset < 0n ? undefined : progress;
    const what = `committed offset of group ${group} in ${topic}-${partition}`;
    committed.set(partitionKey(topic, partition), failureOf(code, what) ?? found);
  }
  return committed;
}

/** Adds `item` to the list that `lists` keeps under `key`. */
export function append<K, V>(lists: Map<K, V[]>, key: K, item: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}
