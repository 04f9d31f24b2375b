// One look every few seconds at all topics that the sources of this gateway read, in few requests: which are there, by which
// id, with how many partitions, and where those end. And what a source asks in between, over the same connections: kafkajs'
// admin client remembers each topic that it was asked about, and answers nobody any more when one of them is deleted.
import type { Kafka } from 'kafkajs';
import type { ErrorCode } from '../../contract/errors.ts';
import type { TopicPartition } from '../../contract/record.ts';
import { createOffsetConnections, type OffsetConnections } from '../connection/broker-connections.ts';
import {
  listOffsets,
  partitionKey,
  type LedPartition,
  type PartitionKey,
} from '../offsets/offset-exchange.ts';
import type { OffsetFailure } from '../offsets/offset-failures.ts';
import { logEndTimestamp } from '../connection/wire-requests.ts';
import { createTopology, type TopicView } from '../connection/topology.ts';
import { readOffsets, type OffsetsQuery, type PartitionOffsets } from '../offsets/offsets-reader.ts';

export type TopicState =
  | {
      readonly kind: 'there';
      readonly id: string | undefined;
      readonly partitions: number;
      /** Our user may know of it, and not read it; false where that was not asked. */
      readonly isUnreadable: boolean;
    }
  | { readonly kind: 'missing' }
  /** Our user may not know of it. */
  | { readonly kind: 'forbidden' }
  /** Without a leader: nothing follows from it. */
  | { readonly kind: 'unknown' };

export interface TopicsSnapshot {
  /** All topics that are not internal; only where a follower wants them. */
  readonly names: readonly string[];
  topic(name: string): TopicState;
  /** One past the last record that can be fetched; undefined where that was not asked, or is not known. */
  end(partition: TopicPartition): bigint | undefined;
}

export interface TopicFollower {
  readonly wantsAllNames: boolean;
  topics(): Iterable<string>;
  /** Those whose end is to be looked up. */
  partitions(): Iterable<TopicPartition>;
  /** Every few seconds; undefined where Kafka did not answer. Must not throw. */
  seen(snapshot: TopicsSnapshot | undefined): void;
}

export interface TopicWatch {
  /** Returns how to stop. What the watch holds open ends with the last follower. */
  follow(follower: TopicFollower): () => void;
  /** Now, without ends, and with our rights; without `topics`, at all. This and the next two reject where Kafka does not answer. */
  look(topics: readonly string[] | undefined): Promise<TopicsSnapshot>;
  /** Of all partitions of the topics of `query`; also rejects where one is missing. */
  readOffsets(query: OffsetsQuery): Promise<readonly PartitionOffsets[]>;
  /** The first offset whose record is as young as `timestampMs`; undefined where none is. */
  offsetAt(partition: TopicPartition, timestampMs: number): Promise<bigint | undefined>;
}

/** Pause between two looks, and how long one may take, in ms. */
export const watchMs = { pause: 4_000, look: 4_000 };
/** How often bootstrap servers are tried in one look; they take turns. */
const seeds = 3;

export function createTopicWatch(kafka: Kafka): TopicWatch {
  const followers = new Set<TopicFollower>();
  let connections: OffsetConnections | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isReading = false;

  const connect = (): OffsetConnections =>
    (connections ??= createOffsetConnections({ kafka, seeds, requestTimeoutMs: 2_000 }));
  const connected = (): OffsetConnections => {
    // Whoever comes too late must not leave a connection behind.
    if (followers.size === 0) throw new Error('nobody follows any more');
    return connect();
  };

  async function round(): Promise<void> {
    timer = undefined;
    isReading = true;
    const snapshot = await readSnapshot(connect(), [...followers]).catch(() => undefined);
    isReading = false;
    for (const follower of followers) follower.seen(snapshot);
    settle();
  }

  /** The next round, as long as somebody follows; else nothing stays open. */
  function settle(): void {
    if (isReading || timer !== undefined) return;
    if (followers.size > 0) {
      timer = setTimeout(() => void round(), watchMs.pause);
      return;
    }
    void connections?.close();
    connections = undefined;
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
        settle();
      };
    },
    look: async (topics) => {
      const asked = { ...nobody, wantsAllNames: topics === undefined, topics: () => topics ?? [] };
      return readSnapshot(connected(), [asked], { asksRights: true });
    },
    readOffsets: async (query) => {
      const open = connected();
      const topology = createTopology({ connections: open, metadataMaxAgeMs: 0 });
      const [result] = await readOffsets(open, topology, [query], watchMs.look);
      if (result?.kind !== 'read') throw result?.error ?? new Error('no answer');
      return result.partitions;
    },
    offsetAt: async (partition, timestampMs) => {
      const asked = { ...nobody, topics: () => [partition.topic], partitions: () => [partition] };
      const snapshot = await readSnapshot(connected(), [asked], { timestamp: BigInt(timestampMs) });
      const offset = snapshot.end(partition);
      return offset === undefined || offset < 0n ? undefined : offset;
    },
  };
}

const nobody: TopicFollower = {
  wantsAllNames: false,
  topics: () => [],
  partitions: () => [],
  seen: () => undefined,
};

async function readSnapshot(
  connections: OffsetConnections,
  followers: readonly TopicFollower[],
  { timestamp = logEndTimestamp, asksRights = false }: { timestamp?: bigint; asksRights?: boolean } = {},
): Promise<TopicsSnapshot> {
  const deadlineMs = performance.now() + watchMs.look;
  const wantsAll = followers.some(({ wantsAllNames }) => wantsAllNames);
  const wanted = new Set(followers.flatMap((one) => [...one.topics()]));
  const view = await createTopology({ connections, metadataMaxAgeMs: 0, asksRights }).topics(
    wantsAll ? undefined : wanted,
    deadlineMs,
  );
  const led = new Map<PartitionKey, LedPartition>();
  for (const one of followers) for (const partition of one.partitions()) addLed(view, partition, led);
  const ends = await listOffsets(connections, led.values(), timestamp, deadlineMs);
  return snapshotOf(view, ends);
}

function addLed(
  view: TopicView,
  { topic, partition }: TopicPartition,
  led: Map<PartitionKey, LedPartition>,
): void {
  const leaders = view.leadersOf(topic);
  const leader = 'error' in leaders ? undefined : leaders.get(partition);
  if (leader !== undefined) led.set(partitionKey(topic, partition), { topic, partition, leader });
}

const unseen: Readonly<Partial<Record<ErrorCode, 'missing' | 'forbidden'>>> = {
  MILLRACE_TOPIC_MISSING: 'missing',
  MILLRACE_KAFKA_FORBIDDEN: 'forbidden',
};

function snapshotOf(
  view: TopicView,
  ends: ReadonlyMap<PartitionKey, bigint | OffsetFailure>,
): TopicsSnapshot {
  return {
    names: view.names,
    topic(name) {
      const leaders = view.leadersOf(name);
      if (!('error' in leaders)) {
        const isUnreadable = view.lacks('read', name);
        return { kind: 'there', id: view.idOf(name), partitions: leaders.size, isUnreadable };
      }
      return { kind: unseen[leaders.error.code] ?? 'unknown' };
    },
    end({ topic, partition }) {
      const end = ends.get(partitionKey(topic, partition));
      return typeof end === 'bigint' ? end : undefined;
    },
  };
}
