// One look every few seconds at all topics that the sources of this gateway read, in few requests: which are there, by which
// id, and with how many partitions. And what a source asks in between.
import { setImmediate as turn } from 'node:timers/promises';
import type { ErrorCode } from '../../contract/errors.ts';
import type { TopicPartition } from '../../contract/record.ts';
import type { Connections } from '../connection/broker-connections.ts';
import { keepOffsets } from '../offsets/keep-offsets.ts';
import {
  fetchCommitted,
  listOffsets,
  partitionKey,
  type Committed,
  type PartitionKey,
} from '../offsets/offset-exchange.ts';
import type { OffsetFailure } from '../offsets/offset-failures.ts';
import type { BrokerAddress } from '../protocol/wire-requests.ts';
import { createTopology, type Topology, type TopicView } from '../connection/topology.ts';
import { readEpochEnd } from '../offsets/committed-epochs.ts';
import { readOffsets } from '../offsets/read-offsets.ts';
import type { OffsetsQuery, OffsetsResult } from '../offsets/partition-offsets.ts';

export type TopicState =
  | {
      readonly kind: 'there';
      readonly id: string | undefined;
      readonly partitions: number;
    }
  | { readonly kind: 'missing' }
  /** Our user may not know of it. */
  | { readonly kind: 'forbidden' }
  /** A partition of it has no leader: nothing follows from it. */
  | { readonly kind: 'unknown' };

export interface TopicsSnapshot {
  /** All topics that are not internal; only where a follower wants them. */
  readonly names: readonly string[];
  topic(name: string): TopicState;
  /** Undefined where brokers have no ids, or the topic is not there. */
  idOf(topic: string): string | undefined;
  readonly clusterId: string | undefined;
  /** 0 where the topic is not there. */
  partitionCount(topic: string): number;
  leaderOf(partition: TopicPartition): BrokerAddress | OffsetFailure;
  /** Our user may know of it, and not read it; false where that was not asked. */
  isUnreadable(topic: string): boolean;
}

export interface TopicFollower {
  readonly wantsAllNames: boolean;
  topics(): Iterable<string>;
  /** Every few seconds; undefined where Kafka did not answer. Must not throw. */
  seen(snapshot: TopicsSnapshot | undefined): void;
}

export interface TopicWatch {
  /** Returns how to stop. */
  follow(follower: TopicFollower): () => void;
  /** Now, and with our rights; without `topics`, at all. This and the others reject where Kafka does not answer. */
  look(topics: readonly string[] | undefined): Promise<TopicsSnapshot>;
  /** One result per query, in their order; what one query asks for does not fail another. A broker that does not answer delays them all. */
  readOffsets(queries: readonly OffsetsQuery[]): Promise<readonly OffsetsResult[]>;
  /** What the group has committed, as its coordinator says it: whoever leads the partitions is not asked. */
  committed(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<ReadonlyMap<PartitionKey, Committed | OffsetFailure>>;
  /** Where the log left a leader epoch; -1 where it never had it. */
  epochEnd(partition: TopicPartition, epoch: number): Promise<bigint>;
  /** See `keepOffsets`: a member that leaves cannot know whether anybody comes back in time. */
  keep(group: string): Promise<void>;
  /** The first offset whose record is as young as `timestampMs`; undefined where none is. */
  offsetAt(partition: TopicPartition, timestampMs: number): Promise<bigint | undefined>;
}

/** Pause between two looks, how long one may take, and how long a stop waits for its progress to be kept, in ms. */
const watchMs = { pause: 4_000, look: 10_000, keep: 3_000 };

/** So many followers are told what was seen before others have their turn. */
const toldAtOnce = 100;

export function createTopicWatch({ connections }: { readonly connections: Connections }): TopicWatch {
  /** With metadata of this instant, which those share who ask in it. */
  const topology = createTopology({ connections, metadataMaxAgeMs: 0 });
  const fresh = { connections, topology };
  const withRights = createTopology({ connections, metadataMaxAgeMs: 0, asksRights: true });
  const followers = new Set<TopicFollower>();
  let timer: NodeJS.Timeout | undefined;
  let isReading = false;

  async function round(): Promise<void> {
    timer = undefined;
    isReading = true;
    const snapshot = await readSnapshot(topology, [...followers]).catch(() => undefined);
    await tell(followers, snapshot);
    isReading = false;
    settle();
  }

  /** The next round, as long as somebody follows. */
  function settle(): void {
    if (isReading || timer !== undefined || followers.size === 0) return;
    timer = setTimeout(() => void round(), watchMs.pause);
  }

  return {
    follow(follower) {
      followers.add(follower);
      settle();
      return () => {
        followers.delete(follower);
        if (followers.size > 0) return;
        clearTimeout(timer);
        timer = undefined;
      };
    },
    look: async (topics) => {
      const asked = { ...nobody, wantsAllNames: topics === undefined, topics: () => topics ?? [] };
      return readSnapshot(withRights, [asked]);
    },
    readOffsets: (queries) => readOffsets(queries, { ...fresh, timeoutMs: watchMs.look }),
    committed: (group, partitions) => readCommitted(fresh, group, partitions),
    epochEnd: async (partition, epoch) =>
      readEpochEnd(fresh, partition, epoch, performance.now() + watchMs.look),
    keep: async (group) => {
      await keepOffsets(group, { ...fresh, deadlineMs: performance.now() + watchMs.keep });
    },
    offsetAt: async (partition, timestampMs) => {
      const deadlineMs = performance.now() + watchMs.look;
      const view = await topology.topics(new Set([partition.topic]), deadlineMs);
      const leader = view.leaderOf(partition.topic, partition.partition);
      if ('error' in leader) throw leader.error;
      const led = [{ ...partition, leader }];
      const found = await listOffsets(connections, led, BigInt(timestampMs), deadlineMs);
      const offset = found.get(partitionKey(partition.topic, partition.partition));
      if (typeof offset !== 'bigint') throw offset?.error ?? new Error('no answer');
      return offset < 0n ? undefined : offset;
    },
  };
}

/** In turns with what else there is to do: to thousands it takes long. */
async function tell(
  followers: ReadonlySet<TopicFollower>,
  snapshot: TopicsSnapshot | undefined,
): Promise<void> {
  let told = 0;
  for (const follower of [...followers]) {
    if (followers.has(follower)) follower.seen(snapshot);
    told += 1;
    if (told % toldAtOnce === 0) await turn();
  }
}

async function readCommitted(
  { connections, topology }: { readonly connections: Connections; readonly topology: Topology },
  group: string,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<PartitionKey, Committed | OffsetFailure>> {
  const topics = new Map<string, Set<number>>();
  for (const { topic, partition } of partitions)
    topics.set(topic, (topics.get(topic) ?? new Set()).add(partition));
  const deadlineMs = performance.now() + watchMs.look;
  const asked = new Map([[group, topics]]);
  const found = (await fetchCommitted(connections, topology, asked, deadlineMs)).get(group);
  if (found === undefined || 'error' in found) throw found?.error ?? new Error('no answer');
  return found;
}

const nobody: TopicFollower = {
  wantsAllNames: false,
  topics: () => [],
  seen: () => undefined,
};

async function readSnapshot(
  topology: Topology,
  followers: readonly TopicFollower[],
): Promise<TopicsSnapshot> {
  const deadlineMs = performance.now() + watchMs.look;
  const wantsAll = followers.some(({ wantsAllNames }) => wantsAllNames);
  const wanted = new Set(followers.flatMap((one) => [...one.topics()]));
  return snapshotOf(await topology.topics(wantsAll ? undefined : wanted, deadlineMs));
}

const unseen: Readonly<Partial<Record<ErrorCode, 'missing' | 'forbidden'>>> = {
  MILLRACE_TOPIC_MISSING: 'missing',
  MILLRACE_KAFKA_FORBIDDEN: 'forbidden',
};

function snapshotOf(view: TopicView): TopicsSnapshot {
  return {
    names: view.names,
    idOf: (topic) => view.idOf(topic),
    clusterId: view.clusterId,
    partitionCount(topic) {
      const leaders = view.leadersOf(topic);
      return 'error' in leaders ? 0 : leaders.size;
    },
    leaderOf: ({ topic, partition }) => view.leaderOf(topic, partition),
    isUnreadable: (topic) => view.lacks('read', topic),
    topic(name) {
      const leaders = view.leadersOf(name);
      if (!('error' in leaders)) {
        if ([...leaders.values()].some((leader) => 'error' in leader)) return { kind: 'unknown' };
        return { kind: 'there', id: view.idOf(name), partitions: leaders.size };
      }
      return { kind: unseen[leaders.error.code] ?? 'unknown' };
    },
  };
}
