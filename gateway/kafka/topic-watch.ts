// One look every few seconds at all topics that the sources of this gateway read, in few requests: which are there, by which
// id, with how many partitions, and where those end.
import type { Kafka } from 'kafkajs';
import type { TopicPartition } from '../contract/record.ts';
import { createOffsetConnections, type OffsetConnections } from './offset-connections.ts';
import { listOffsets, partitionKey, type LedPartition, type PartitionKey } from './offset-exchange.ts';
import type { OffsetFailure } from './offset-failures.ts';
import { logEndTimestamp } from './offset-requests.ts';
import { createTopology, type TopicView } from './offset-topology.ts';

export type TopicSight =
  | { readonly kind: 'there'; readonly id: string | undefined; readonly partitions: number }
  | { readonly kind: 'missing' }
  /** Without a leader, or not to be seen by us: nothing follows from it. */
  | { readonly kind: 'unknown' };

export interface Sight {
  /** All topics that are not internal; only where a follower wants them. */
  readonly names: readonly string[];
  topic(name: string): TopicSight;
  /** One past the last record that can be fetched; undefined where that was not asked, or is not known. */
  end(partition: TopicPartition): bigint | undefined;
}

export interface TopicFollower {
  readonly wantsAllNames: boolean;
  topics(): Iterable<string>;
  /** Those whose end is to be looked up. */
  partitions(): Iterable<TopicPartition>;
  /** Every few seconds; undefined where Kafka did not answer. Must not throw. */
  seen(sight: Sight | undefined): void;
}

export interface TopicWatch {
  /** Returns how to stop. What the watch holds open ends with the last follower. */
  follow(follower: TopicFollower): () => void;
  /** Now, without ends. Rejects where Kafka does not answer. */
  look(topics: readonly string[]): Promise<Sight>;
}

/** Pause between two looks, and how long one may take, in ms. */
export const watchMs = { pause: 4_000, look: 4_000 };
/** How often bootstrap servers are tried in one look; they take turns. */
const seeds = 3;

export function createTopicWatch(kafka: Kafka): TopicWatch {
  const followers = new Set<TopicFollower>();
  let connections: OffsetConnections | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isLooking = false;

  const connect = (): OffsetConnections =>
    (connections ??= createOffsetConnections({ kafka, seeds, requestTimeoutMs: 2_000 }));

  async function round(): Promise<void> {
    timer = undefined;
    isLooking = true;
    const sight = await lookOnce(connect(), [...followers]).catch(() => undefined);
    isLooking = false;
    for (const follower of followers) follower.seen(sight);
    settle();
  }

  /** The next round, as long as somebody follows; else nothing stays open. */
  function settle(): void {
    if (isLooking || timer !== undefined) return;
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
      if (followers.size === 0) throw new Error('nobody follows any more');
      const asked = { wantsAllNames: false, topics: () => topics, partitions: () => [], seen: () => undefined };
      return lookOnce(connect(), [asked]);
    },
  };
}

async function lookOnce(
  connections: OffsetConnections,
  followers: readonly TopicFollower[],
): Promise<Sight> {
  const deadlineMs = performance.now() + watchMs.look;
  const wantsAll = followers.some(({ wantsAllNames }) => wantsAllNames);
  const wanted = new Set(followers.flatMap((one) => [...one.topics()]));
  const view = await createTopology({ connections, metadataMaxAgeMs: 0 }).topics(
    wantsAll ? undefined : wanted,
    deadlineMs,
  );
  const led = new Map<PartitionKey, LedPartition>();
  for (const one of followers) for (const partition of one.partitions()) addLed(view, partition, led);
  const ends = await listOffsets(connections, led.values(), logEndTimestamp, deadlineMs);
  return sightOf(view, ends);
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

function sightOf(view: TopicView, ends: ReadonlyMap<PartitionKey, bigint | OffsetFailure>): Sight {
  return {
    names: view.names,
    topic(name) {
      const leaders = view.leadersOf(name);
      if (!('error' in leaders)) return { kind: 'there', id: view.idOf(name), partitions: leaders.size };
      return leaders.error.code === 'MILLRACE_TOPIC_MISSING' ? { kind: 'missing' } : { kind: 'unknown' };
    },
    end({ topic, partition }) {
      const end = ends.get(partitionKey(topic, partition));
      return typeof end === 'bigint' ? end : undefined;
    },
  };
}
