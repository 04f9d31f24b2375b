// The port through which somebody is a member of a consumer group, by whichever protocol: who it is, what it was given, how
// long that lasts, and commits that are fenced by it.
import type { PartitionProgress } from '../../contract/record-source.ts';
import type { TopicPartition } from '../../contract/record.ts';
import type { Connections } from '../connection/broker-connections.ts';
import type { Topology } from '../connection/topology.ts';

/** Who a member is to its group, and when it last was one. */
export interface MemberIdentity {
  readonly memberId: string;
  /** The generation of the group, or the epoch of the member (KIP-848). */
  readonly generation: number;
}

export interface JoinedGroup extends MemberIdentity {
  readonly partitions: readonly TopicPartition[];
  /** What this member said to have when it joined. */
  readonly claimed: readonly TopicPartition[];
  /** It was a member without a break since the last join: nobody else can have had what it claimed. */
  readonly isContinuous: boolean;
}

export interface MembershipOptions {
  readonly connections: Connections;
  readonly topology: Topology;
  readonly groupId: string;
  /**
   * Of the last member, where there was one: as the same, this one takes over at once; as a new one it would have to wait
   * until the session of the old one is over.
   */
  readonly identity: MemberIdentity | undefined;
  /** What this member has, and claims when it joins. */
  readonly owned: () => readonly TopicPartition[];
  /** What the group has given. Called before anything of it is fetched. */
  readonly onJoined: (joined: JoinedGroup) => void;
  /** The lease was over, and is not any more: nobody else was given anything. */
  readonly onLeaseRenewed: () => void;
}

export interface Membership {
  /** Rejects when this member has given up: the group does not want it, or its coordinator is not to be found. Never resolves. */
  readonly crashed: Promise<never>;
  /** Until then, in ms of `performance.now()`, the group cannot have given to others what this member has. */
  readonly leaseEndMs: number;
  /** Since when, in ms of `performance.now()`, this member waits for its group to take it; undefined where it does not. */
  readonly joiningSinceMs: number | undefined;
  /** Whoever comes after this member goes on as the same. */
  readonly identity: MemberIdentity | undefined;
  /** How many partitions of `topic` were spread at the last join; undefined where the group looks after that itself. */
  partitionCount(topic: string): number | undefined;
  /** Resolves at the first `onJoined`. Rejects as `crashed` does. */
  start(topics: readonly string[]): Promise<void>;
  /** Resolves when the group has taken the offsets, from this member as it was joined last. Rejects otherwise. */
  commit(offsets: readonly PartitionProgress[]): Promise<void>;
  /** Tells the group at once what this member has now: it has let go of something, or wants a new share. */
  rejoin(): void;
  /** Without `leave` the group is not told: another member is about to go on as the same. Never rejects. */
  stop(options: { readonly leave: boolean }): Promise<void>;
}

export type CreateMembership = (options: MembershipOptions) => Membership;
