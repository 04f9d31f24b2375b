// One life of a consumer: a membership, and the fetches of what it was given.
import type { MillraceError } from '../../contract/errors.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import type { FetchedRecords, Fetcher, PartitionFetch, UnreadablePlace } from '../fetch/fetcher.ts';
import type { CreateMembership, JoinedGroup, Membership, MembershipOptions } from '../group/membership.ts';

export interface GroupConsumerOptions extends MembershipOptions {
  readonly createMembership: CreateMembership;
  readonly fetcher: Fetcher;
  /** As `FetchListener.room`. */
  readonly room: (partition: TopicPartition) => number;
  /** False for what is not the next of its partition: it counts as not fetched. */
  readonly onFetched: (found: FetchedRecords) => boolean;
  /** As `FetchListener.outOfRange`. */
  readonly onOutOfRange: (partition: TopicPartition) => void;
  /** As `FetchListener.trouble`. */
  readonly onTrouble: (
    partition: TopicPartition,
    error: MillraceError | undefined,
    unreadable: UnreadablePlace | undefined,
  ) => void;
}

export interface GroupConsumer extends Membership {
  /** From `offset` on, as soon as it is resumed. `leaderEpoch`: as in `PartitionFetch.seek`. */
  seek(partition: TopicPartition, offset: bigint, leaderEpoch: number | undefined): void;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** When a fetch of the partition was last answered with nothing, in ms of `performance.now()`. */
  answeredMs(partition: TopicPartition): number | undefined;
}

export function createGroupConsumer(options: GroupConsumerOptions): GroupConsumer {
  const fetches = new Map<string, PartitionFetch>();
  const closeFetches = (stays: ReadonlySet<string> = new Set()): void => {
    for (const [name, fetch] of fetches) {
      if (stays.has(name)) continue;
      fetches.delete(name);
      fetch.close();
    }
  };
  const onJoined = (joined: JoinedGroup): void => {
    closeFetches(new Set(joined.partitions.map(partitionName)));
    options.onJoined(joined);
  };
  const membership = options.createMembership({ ...options, onJoined });
  const open = (partition: TopicPartition): PartitionFetch => {
    const name = partitionName(partition);
    let fetch = fetches.get(name);
    if (fetch === undefined) {
      fetch = options.fetcher.open(partition, {
        room: () => options.room(partition),
        fetched: (found) => options.onFetched(found),
        outOfRange: () => options.onOutOfRange(partition),
        trouble: (error, unreadable) => options.onTrouble(partition, error, unreadable),
      });
      fetches.set(name, fetch);
    }
    return fetch;
  };
  return {
    seek: (partition, offset, leaderEpoch) => open(partition).seek(offset, leaderEpoch),
    pause: (partitions) => {
      for (const one of partitions) fetches.get(partitionName(one))?.pause();
    },
    resume: (partitions) => {
      for (const one of partitions) fetches.get(partitionName(one))?.resume();
    },
    answeredMs: (partition) => fetches.get(partitionName(partition))?.answeredMs,
    crashed: membership.crashed,
    get leaseEndMs() {
      return membership.leaseEndMs;
    },
    get joiningSinceMs() {
      return membership.joiningSinceMs;
    },
    get identity() {
      return membership.identity;
    },
    partitionCount: (topic) => membership.partitionCount(topic),
    start: (topics) => membership.start(topics),
    commit: (offsets) => membership.commit(offsets),
    rejoin: () => membership.rejoin(),
    stop: async (how) => {
      closeFetches();
      await membership.stop(how);
    },
  };
}
