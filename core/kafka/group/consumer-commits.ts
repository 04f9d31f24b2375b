// Commits of a member, fenced by its epoch. The group takes them from a member of the epoch that it has now, and an epoch moves
// whenever it answers a heartbeat so: a commit may be late through nobody's fault, and goes out once more.
import type { PartitionProgress } from '../../contract/record-source.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import { commitOffsets } from './coordinator/commit-offsets.ts';
import type { GroupCoordinator } from './coordinator/group-coordinator.ts';
import { commitFailure, refusalKindOf } from './coordinator/group-errors.ts';
import type { MemberIdentity } from './membership.ts';

export interface EpochCommitsOptions {
  readonly groupId: string;
  readonly coordinator: GroupCoordinator;
  readonly member: () => CommittingMember | undefined;
  readonly owned: () => readonly TopicPartition[];
  /** Resolves when the next heartbeat has been answered, or has failed. */
  readonly heartbeat: () => Promise<void>;
  /** Ends them: this member is not one any more. */
  readonly signal: AbortSignal;
}

/** `membership` is the same as long as the group has not done without this member. */
export interface CommittingMember extends MemberIdentity {
  readonly membership: number;
}

/** How long a coordinator may be away before a commit fails, in ms. */
const patienceMs = 10_000;

export class EpochCommits {
  readonly #options: EpochCommitsOptions;

  constructor(options: EpochCommitsOptions) {
    this.#options = options;
  }

  async commit(offsets: readonly PartitionProgress[]): Promise<void> {
    const { coordinator, groupId, heartbeat, signal } = this.#options;
    let member = this.#current();
    for (let isNewest = false; ; isNewest = true) {
      const commit = { coordinator, groupId, member, offsets, patienceMs, signal };
      const refused = await commitOffsets({ ...commit, version: 9 });
      const failure = commitFailure(refused, groupId);
      if (failure === undefined) return;
      const kinds = refused.map(({ errorCode }) => refusalKindOf(errorCode));
      // The heartbeat will say the same.
      if (kinds.includes('fenced')) void heartbeat();
      if (!kinds.includes('stale') || isNewest) throw failure;
      await heartbeat();
      member = this.#stillOurs(member, offsets, failure);
    }
  }

  #current(): CommittingMember {
    const member = this.#options.member();
    if (member === undefined) throw new Error('not a member of the group at present');
    return member;
  }

  /**
   * The member as it is now. What it has had without a break, the group has given to nobody else, in whatever epoch: it may still commit
   * that. Throws `error` where it was away, or has let go of a partition: others may have committed since.
   */
  #stillOurs(
    before: CommittingMember,
    offsets: readonly PartitionProgress[],
    error: Error,
  ): CommittingMember {
    const now = this.#current();
    const owned = new Set(this.#options.owned().map(partitionName));
    if (now.membership !== before.membership || offsets.some((one) => !owned.has(partitionName(one))))
      throw error;
    return now;
  }
}
