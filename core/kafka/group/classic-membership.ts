// A member of a classic consumer group, on connections of our own:
//
//   joining ──JoinGroup, SyncGroup──► joined ──the group rebalances, or `rejoin`──► joining, with what it has
//      ▲                                │
//      └── as a new one ◄── unknown to the group, or outdated: it may have missed that others got what it had
//
// Heartbeats go out all the while, on a lane where nothing waits, and by one timer for all members that share connections.
import type { PartitionProgress } from '../../contract/record-source.ts';
import {
  askForShare,
  askToJoin,
  countPartitions,
  sessionTimeoutMs,
  setbackOf,
  type JoiningParts,
  type Setback,
} from './classic-join.ts';
import { commitOffsets } from './coordinator/commit-offsets.ts';
import { GroupCoordinator } from './coordinator/group-coordinator.ts';
import { commitFailure, refusalKindOf } from './coordinator/group-errors.ts';
import { heartbeatRequest, leaveGroupRequest, type JoinGroupAnswer } from './classic-requests.ts';
import { heartbeatScheduleOf, type HeartbeatSchedule } from './coordinator/heartbeat-schedule.ts';
import { Lease } from './coordinator/lease.ts';
import type { CreateMembership, MemberIdentity, Membership, MembershipOptions } from './membership.ts';
import { sleep } from '../connection/sleep.ts';

/** How long a coordinator may be away before the member gives up, and is built anew; and while it leaves, in ms. */
const patience = { memberMs: 20_000, leavingMs: 5_000 };
/** Of one try, in ms: a heartbeat that is not answered leaves time for another within the session. */
const tries = { heartbeatMs: 5_000, leaveMs: 3_000 };
/** Pauses between rounds that come to nothing, in ms: a group may change its mind again and again. */
const setbackMs = { first: 50, longest: 2_000 };

export const createClassicMembership: CreateMembership = (options) => new ClassicMembership(options);

class ClassicMembership implements Membership {
  readonly crashed: Promise<never>;
  /** From the beginning, and from each news of a rebalance, until the join came to its end. */
  joiningSinceMs: number | undefined = performance.now();
  readonly #options: MembershipOptions;
  readonly #coordinator: GroupCoordinator;
  readonly #schedule: HeartbeatSchedule;
  readonly #lease = new Lease(sessionTimeoutMs);
  /** When the group surely did not wait for this member yet. */
  #settledMs = Number.NEGATIVE_INFINITY;
  readonly #over = new AbortController();
  readonly #crash = Promise.withResolvers<never>();
  readonly #first = Promise.withResolvers<undefined>();
  /** Of the last answer to a join; those who are members by it may have no share yet. */
  #last: MemberIdentity | undefined;
  /** Of the last join that came to its end, as long as the group takes commits from it. */
  #current: MemberIdentity | undefined;
  /** What the next join calls this member; empty for a new one. */
  #memberId: string;
  /** False once the group did without this member, until it was told so. */
  #isContinuous: boolean;
  #counts: ReadonlyMap<string, number> = new Map();
  /** The current share is fetched: the group waits for nothing of this member, unless a heartbeat says so. */
  #isSettled = false;
  /** There is news for the group, or from it. */
  #rejoins = false;
  #wake: () => void = () => undefined;
  #cancelBeat: () => void = () => undefined;
  #exit: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#coordinator = new GroupCoordinator(options);
    this.#schedule = heartbeatScheduleOf(options.connections);
    this.#last = options.identity;
    this.#memberId = options.identity?.memberId ?? '';
    this.#isContinuous = (options.identity?.generation ?? 0) >= 0;
    this.crashed = this.#crash.promise;
    // Nobody may be listening yet, or any more.
    this.crashed.catch(() => undefined);
  }

  get leaseEndMs(): number {
    return this.#lease.endMs;
  }

  /** Whoever goes on as a member that has missed something has missed it too: it has no generation. */
  get identity(): MemberIdentity | undefined {
    if (this.#last === undefined || this.#isContinuous) return this.#last;
    return { memberId: this.#last.memberId, generation: -1 };
  }

  partitionCount(topic: string): number | undefined {
    return this.#counts.get(topic);
  }

  start(topics: readonly string[]): Promise<void> {
    if (this.#isOver()) return this.crashed;
    this.#exit = this.#schedule.enter();
    this.#beatLater();
    this.#running = this.#run(topics).catch((error: unknown) => this.#giveUp(error));
    return Promise.race([this.#first.promise, this.crashed]);
  }

  async commit(offsets: readonly PartitionProgress[]): Promise<void> {
    const member = this.#current;
    if (member === undefined) throw new Error('not a member of the group at present');
    const { groupId } = this.#options;
    const refused = await commitOffsets({
      coordinator: this.#coordinator,
      groupId,
      member,
      offsets,
      patienceMs: patience.memberMs,
      signal: this.#over.signal,
    });
    const failure = commitFailure(refused, groupId);
    if (failure === undefined) return;
    const [{ errorCode } = { errorCode: 0 }] = refused;
    const kind = refusalKindOf(errorCode);
    if (kind === 'fenced' || kind === 'stale') this.#heard(errorCode, member, Number.NEGATIVE_INFINITY);
    throw failure;
  }

  rejoin(): void {
    this.#rejoins = true;
    this.#wake();
  }

  async stop({ leave }: { readonly leave: boolean }): Promise<void> {
    this.#end();
    if (!leave) return;
    this.#lease.end();
    // Whoever is about to be given an id leaves with it.
    if (this.#memberId === '') await this.#running;
    if (this.#memberId === '') return;
    const request = leaveGroupRequest(this.#options.groupId, this.#memberId);
    const limits = { tryMs: tries.leaveMs, patienceMs: patience.leavingMs };
    await this.#coordinator.ask(request, { codeOf: (code) => code, ...limits }).catch(() => undefined);
  }

  async #run(topics: readonly string[]): Promise<void> {
    let pauseMs = setbackMs.first;
    while (!this.#isOver()) {
      const setback = await this.#join(topics);
      if (setback === undefined) {
        pauseMs = setbackMs.first;
        this.#first.resolve(undefined);
        if (!this.#rejoins && !this.#isOver()) await new Promise<void>((resolve) => (this.#wake = resolve));
      } else if (setback !== 'with-id') {
        await sleep(pauseMs * Math.random(), this.#over.signal);
        pauseMs = Math.min(setbackMs.longest, pauseMs * 2);
      }
    }
  }

  /** One round: undefined where the group has given this member its share. */
  async #join(topics: readonly string[]): Promise<Setback | undefined> {
    const { owned, onJoined } = this.#options;
    const parts = this.#parts();
    this.joiningSinceMs ??= performance.now();
    this.#rejoins = false;
    const claimed = owned();
    // Who was nobody to the group cannot prove what it has.
    if (this.#last === undefined && claimed.length > 0) this.#isContinuous = false;
    const generation = this.#last?.generation ?? -1;
    const sentMs = performance.now();
    const answer = await askToJoin(parts, this.#memberId, { topics, generation, owned: claimed });
    if (answer.errorCode !== 0) return this.#setBack(answer.errorCode, answer.memberId);
    if (this.#isOver()) return 'again';
    const joined = this.#noteJoin(answer, sentMs);
    const counts = await countPartitions(parts, answer, topics);
    const share = await askForShare(parts, answer, (topic) => counts.get(topic) ?? 0);
    if (typeof share === 'number') return this.#setBack(share, '');
    if (this.#isOver()) return 'again';
    const isContinuous = this.#isContinuous;
    this.#counts = counts;
    this.#current = joined;
    this.#isContinuous = true;
    this.#isSettled = true;
    this.#settle(share.sentMs);
    this.joiningSinceMs = undefined;
    onJoined({ ...joined, partitions: share.partitions, claimed, isContinuous });
    return undefined;
  }

  #noteJoin({ memberId, generation }: JoinGroupAnswer, sentMs: number): MemberIdentity {
    // A member that the group did without for one generation has another id from then on.
    if (this.#last !== undefined && this.#last.memberId !== memberId) this.#isContinuous = false;
    const joined = { memberId, generation };
    this.#last = joined;
    this.#memberId = memberId;
    this.#isSettled = false;
    if (this.#isContinuous) this.#settle(sentMs);
    return joined;
  }

  #setBack(errorCode: number, memberId: string): Setback {
    const setback = setbackOf(errorCode, this.#options.groupId);
    if (setback === 'with-id') this.#memberId = memberId;
    if (setback === 'unknown') this.#lose('');
    if (setback === 'outdated') this.#lose(this.#memberId);
    return setback;
  }

  /** The group has gone on without this member, or may have: others may have what it has. */
  #lose(memberId: string): void {
    this.#memberId = memberId;
    this.#current = undefined;
    this.#lease.end();
    // A new member has had nothing to lose.
    if (this.#last !== undefined) this.#isContinuous = false;
  }

  #beatLater(): void {
    this.#cancelBeat = this.#schedule.at(performance.now() + this.#schedule.pauseMs, () => {
      this.#beat().catch((error: unknown) => this.#giveUp(error));
    });
  }

  async #beat(): Promise<void> {
    const member = this.#last;
    if (member !== undefined && member.generation >= 0 && member.memberId === this.#memberId) {
      let sentMs = 0;
      const code = await this.#coordinator.ask(heartbeatRequest(this.#options.groupId, member), {
        codeOf: (answer) => answer,
        tryMs: tries.heartbeatMs,
        patienceMs: patience.memberMs,
        signal: this.#over.signal,
        onTry: () => (sentMs = performance.now()),
      });
      this.#heard(code, member, sentMs);
    }
    if (!this.#isOver()) this.#beatLater();
  }

  /** What the group says to `member`, which may be another one by now. */
  #heard(errorCode: number, member: MemberIdentity, sentMs: number): void {
    if (this.#isOver() || member !== this.#last) return;
    const isJoining = this.joiningSinceMs !== undefined;
    const setback = errorCode === 0 ? undefined : setbackOf(errorCode, this.#options.groupId);
    switch (setback) {
      case undefined:
      case 'again':
        this.#renew(sentMs, setback === undefined && this.#isSettled);
        break;
      // The group has just taken the join that is under way.
      case 'outdated':
        if (!isJoining) this.#lose(this.#memberId);
        break;
      case 'unknown':
      case 'with-id':
        this.#lose('');
    }
    if (setback === undefined || isJoining) return;
    this.joiningSinceMs = performance.now();
    this.rejoin();
  }

  #renew(sentMs: number, isSettled: boolean): void {
    // What it had may be somebody else's, until it is told what it has now.
    if (!this.#isContinuous) return;
    const wasOver = performance.now() >= this.#lease.endMs;
    if (isSettled) this.#settle(sentMs);
    else {
      this.#lease.heard(sentMs);
      this.#lease.awaited(this.#settledMs);
    }
    if (wasOver && performance.now() < this.#lease.endMs) this.#options.onLeaseRenewed();
  }

  #settle(sentMs: number): void {
    this.#settledMs = Math.max(this.#settledMs, sentMs);
    this.#lease.heard(sentMs);
    this.#lease.settled();
  }

  #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  #parts(): JoiningParts {
    const { groupId } = this.#options;
    const { signal } = this.#over;
    return { coordinator: this.#coordinator, groupId, patienceMs: patience.memberMs, signal };
  }

  #giveUp(error: unknown): void {
    if (this.#isOver()) return;
    this.#end();
    this.#crash.reject(error);
  }

  #end(): void {
    if (this.#isOver()) return;
    this.#over.abort();
    this.#cancelBeat();
    this.#exit();
    this.#wake();
  }
}
