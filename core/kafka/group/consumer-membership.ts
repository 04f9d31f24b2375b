// Membership by the consumer protocol (KIP-848): the group says in the answers to heartbeats what a member is to have, and nobody
// stops but for what moves.
//
//   join      epoch 0, which claims nothing      ──►  the epoch of the group, and what is free of our share
//   idle      epoch, all else unchanged          ──►  nothing new
//   revoked   epoch                              ──►  less than we have: we drain it, and claim what is left
//   claim     epoch, all that we have            ──►  the next epoch, and what others have let go of meanwhile
//   fenced    the group does without us          ──►  join; others may have had all of it
import type { PartitionProgress } from '../../contract/record-source.ts';
import type { TopicPartition } from '../../contract/record.ts';
import {
  groupHeartbeatRequest,
  joiningEpoch,
  newMemberId,
  type GroupHeartbeatAnswer,
  type MemberState,
  leavingEpoch,
} from './consumer-requests.ts';
import { EpochCommits } from './consumer-commits.ts';
import { GivenPartitions } from './consumer-partitions.ts';
import { GroupSession } from './consumer-session.ts';
import { GroupCoordinator, retryDelayMs } from './coordinator/group-coordinator.ts';
import { groupError, refusalKindOf } from './coordinator/group-errors.ts';
import { heartbeatScheduleOf, type HeartbeatSchedule } from './coordinator/heartbeat-schedule.ts';
import { Lease, rebalanceTimeoutMs } from './coordinator/lease.ts';
import type { CreateMembership, Membership, MembershipOptions, MemberIdentity } from './membership.ts';

/** Of the farewell, in ms: one try, and all of them; whoever is not heard of is taken for gone in the end. */
const leaving = { tryMs: 3_000, patienceMs: 5_000 };
/** A heartbeat is waited for this long, in ms. */
const answerMs = 10_000;
/** No heartbeat goes out while the name of a topic is looked up, in ms. */
const lookUpMs = 3_000;
/** A coordinator that is not to be found, or does not answer, for so long in a row is given up, in ms. */
const giveUpMs = 15_000;
/** A change seldom comes alone: others let go a moment later. The pauses after one grow from this to what the broker wants, in ms. */
const afterChangeMs = 250;

export const createConsumerMembership: CreateMembership = (options) => new ConsumerMembership(options);

class ConsumerMembership implements Membership {
  readonly crashed: Promise<never>;
  joiningSinceMs: number | undefined = performance.now();
  readonly #options: MembershipOptions;
  readonly #coordinator: GroupCoordinator;
  readonly #schedule: HeartbeatSchedule;
  readonly #commits: EpochCommits;
  readonly #lease = new Lease(0);
  readonly #session: GroupSession;
  readonly #over = new AbortController();
  /** Of the group; undefined where it is not told. A broker's heartbeat interval is always shorter: it is all that is certain then. */
  #sessionMs: number | undefined;
  readonly #memberId: string;
  readonly #started = Promise.withResolvers<void>();
  readonly #crash: (error: unknown) => void;
  #topics: readonly string[] = [];
  #given: GivenPartitions;
  #epoch: number;
  /** Counts how often the group did without this member. */
  #absences = 0;
  /** Since the last `onJoined`. */
  #isContinuous: boolean;
  /** The next heartbeat says all, and what we have. */
  #claims = true;
  /** The group may know of this member. */
  #hasAsked: boolean;
  #underWay: Promise<void> | undefined;
  /** Somebody wants another heartbeat after the one under way. */
  #isDue = false;
  #callOff: (() => void) | undefined;
  #changePauseMs = afterChangeMs;
  /** In a row. */
  #failures = { count: 0, sinceMs: 0 };

  constructor(options: MembershipOptions) {
    const { connections, groupId, topology, identity, owned } = options;
    this.#options = options;
    this.#coordinator = new GroupCoordinator(options);
    this.#schedule = heartbeatScheduleOf(connections);
    this.#session = new GroupSession(options, (timeoutMs) => (this.#sessionMs = timeoutMs));
    this.#given = new GivenPartitions(topology, []);
    this.#memberId = identity?.memberId ?? newMemberId();
    this.#epoch = identity?.generation ?? joiningEpoch;
    this.#hasAsked = identity !== undefined;
    this.#isContinuous = identity === undefined || this.#epoch !== joiningEpoch;
    const crash = Promise.withResolvers<never>();
    this.crashed = crash.promise;
    this.#crash = crash.reject;
    // Nobody may be listening yet, or any more.
    this.crashed.catch(() => undefined);
    this.#started.promise.catch(() => undefined);
    this.#commits = new EpochCommits({
      groupId,
      coordinator: this.#coordinator,
      member: () => this.#committing(),
      owned,
      heartbeat: () => this.#beat(),
      signal: this.#over.signal,
    });
  }

  get leaseEndMs(): number {
    return this.#lease.endMs;
  }

  get identity(): MemberIdentity {
    return { memberId: this.#memberId, generation: this.#epoch };
  }

  partitionCount(): undefined {
    return undefined;
  }

  start(topics: readonly string[]): Promise<void> {
    this.#topics = topics;
    this.#given = new GivenPartitions(this.#options.topology, topics);
    void this.#beat();
    return this.#started.promise;
  }

  commit(offsets: readonly PartitionProgress[]): Promise<void> {
    return this.#commits.commit(offsets);
  }

  rejoin(): void {
    this.#claims = true;
    void this.#beat();
  }

  async stop({ leave }: { readonly leave: boolean }): Promise<void> {
    this.#end(new Error('this member is not one any more'));
    if (!leave || !this.#hasAsked) return;
    const farewell = { groupId: this.#options.groupId, memberId: this.#memberId, epoch: leavingEpoch };
    const request = groupHeartbeatRequest({ ...farewell, state: undefined });
    const codeOf = ({ errorCode }: GroupHeartbeatAnswer): number => errorCode;
    await this.#coordinator.ask(request, { codeOf, ...leaving }).catch(() => undefined);
  }

  /** Nothing but a farewell is sent after this. */
  #end(error: unknown): void {
    this.#over.abort();
    this.#callOff?.();
    this.#started.reject(error);
  }

  /** Asked after a wait, which may have brought it. */
  #hasEnded(): boolean {
    return this.#over.signal.aborted;
  }

  #wantsAnother(): boolean {
    return this.#isDue && !this.#hasEnded();
  }

  #giveUp(error: unknown): void {
    this.#end(error);
    this.#crash(error);
  }

  #committing(): (MemberIdentity & { readonly membership: number }) | undefined {
    if (this.#hasEnded() || this.#epoch === joiningEpoch) return undefined;
    return { ...this.identity, membership: this.#absences };
  }

  /** Now, or after the one under way, which may have said what is old. Never rejects. */
  #beat(): Promise<void> {
    if (this.#hasEnded()) return Promise.resolve();
    if (this.#underWay === undefined) {
      this.#callOff?.();
      this.#underWay = this.#beatUntilDone().catch((error: unknown) => this.#giveUp(error));
    } else this.#isDue = true;
    return this.#underWay;
  }

  async #beatUntilDone(): Promise<void> {
    let beganMs: number;
    let pauseMs: number;
    do {
      this.#isDue = false;
      beganMs = performance.now();
      pauseMs = await this.#beatOnce();
    } while (this.#wantsAnother());
    this.#underWay = undefined;
    if (this.#hasEnded()) return;
    // Members that have failed together do not all come back in one instant.
    const dueMs = beganMs + pauseMs * (0.9 + Math.random() / 10);
    this.#callOff = this.#schedule.at(dueMs, () => void this.#beat());
  }

  /** Resolves with the pause until the next one, in ms. */
  async #beatOnce(): Promise<number> {
    const deadlineMs = performance.now() + answerMs;
    const claims = this.#claims;
    this.#claims = false;
    const claimed = claims ? await this.#claim(deadlineMs) : undefined;
    if (claimed !== undefined && 'error' in claimed) {
      this.#claims = true;
      return this.#failed(claimed.error, true);
    }
    const { groupId } = this.#options;
    const state = claimed && this.#stateOf(claimed);
    const beat = { groupId, memberId: this.#memberId, epoch: this.#epoch, state };
    const sentMs = performance.now();
    this.#hasAsked = true;
    const answered = await this.#coordinator.askOnce(
      groupHeartbeatRequest(beat),
      deadlineMs,
      this.#over.signal,
    );
    if (this.#hasEnded()) return 0;
    if (answered.kind === 'failed') {
      // Whether it has come through is not known: the next one says all.
      this.#claims = true;
      return this.#failed(answered.error, answered.passing);
    }
    const { errorCode, errorMessage } = answered.answer;
    if (errorCode === 0) return this.#accepted(answered.answer, sentMs, claimed);
    if (claimed !== undefined) this.#claims = true;
    const kind = refusalKindOf(errorCode);
    if (kind === 'fenced') this.#fenced();
    if (kind === 'passing') this.#coordinator.forget();
    const error = groupError(errorCode, groupId, errorMessage);
    return this.#failed(error, kind === 'fenced' || kind === 'passing');
  }

  /** What this member says to have. */
  async #claim(deadlineMs: number): Promise<readonly TopicPartition[] | { readonly error: unknown }> {
    // Whoever joins must not have anything.
    if (this.#epoch === joiningEpoch) return [];
    try {
      await this.#given.learnIds(this.#options.owned(), deadlineMs);
    } catch (error) {
      return { error };
    }
    const owned = this.#options.owned();
    // What is given and not claimed, the group may give to others as soon as it hears this: it is not to be opened meanwhile.
    if (!this.#given.isIn(owned)) this.joiningSinceMs ??= performance.now();
    return owned;
  }

  #stateOf(claimed: readonly TopicPartition[]): MemberState {
    return { rebalanceTimeoutMs, topics: this.#topics, owned: this.#given.idsOf(claimed) };
  }

  /** `claimed`: undefined where the heartbeat did not say it. */
  async #accepted(
    { epoch, intervalMs, assigned }: GroupHeartbeatAnswer,
    sentMs: number,
    claimed: readonly TopicPartition[] | undefined,
  ): Promise<number> {
    const wasOver = performance.now() >= this.#lease.endMs;
    const before = this.#given.list;
    const hasMoved = epoch !== this.#epoch;
    this.#failures.count = 0;
    this.#epoch = epoch;
    this.#lease.heard(sentMs);
    this.#lease.sessionMs = this.#sessionMs ?? intervalMs;
    this.#session.refresh();
    if (assigned !== undefined || !this.#given.isResolved)
      await this.#given.take(assigned, performance.now() + lookUpMs);
    if (this.#hasEnded()) return 0;
    const had = claimed ?? this.#options.owned();
    if (this.#given.lacks(had)) this.#lease.awaited(sentMs);
    else if (claimed !== undefined) this.#lease.settled();
    const hasChanged = !this.#given.isSameAs(before);
    // Whoever has joined anew has claimed nothing, and may still have something.
    if (hasChanged || this.joiningSinceMs !== undefined)
      this.#joined(this.#isContinuous ? had : this.#options.owned());
    else if (wasOver) this.#options.onLeaseRenewed();
    this.#changePauseMs = hasChanged || hasMoved ? afterChangeMs : this.#changePauseMs * 2;
    // As often as the broker wants, and twice in the time of the lease.
    return Math.min(intervalMs, this.#lease.sessionMs / 2, this.#changePauseMs);
  }

  #joined(claimed: readonly TopicPartition[]): void {
    const isContinuous = this.#isContinuous;
    this.#isContinuous = true;
    this.joiningSinceMs = undefined;
    this.#options.onJoined({ ...this.identity, partitions: this.#given.list, claimed, isContinuous });
    this.#started.resolve();
  }

  #fenced(): void {
    this.#absences += 1;
    this.#epoch = joiningEpoch;
    this.#isContinuous = false;
    this.#claims = true;
    this.joiningSinceMs ??= performance.now();
    this.#given.forget();
    this.#lease.end();
  }

  #failed(error: unknown, isPassing: boolean): number {
    const nowMs = performance.now();
    if (this.#failures.count === 0) this.#failures.sinceMs = nowMs;
    this.#failures.count += 1;
    if (!isPassing || nowMs - this.#failures.sinceMs > giveUpMs) this.#giveUp(error);
    return retryDelayMs(this.#failures.count);
  }
}
