// The partitions that the group has given, on their way from a join to their opening, each for itself:
//
//   waiting ──look──► placed ──its last owner fenced──► its start read ──committed──► open
//      ▲                │                  │                   │             │
//      └── after a pause, doubled each time, with why it is not open yet ◄───┘
//
// What may fail as one (the partitions of one leader, and of one coordinator of transactions) goes together; nothing waits for another.
import { describeError, MillraceError } from '../../contract/errors.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import type { SourceSettings } from '../../contract/subscription.ts';
import { topicsForbidden } from '../connection/security/security-errors.ts';
import { sleep } from '../connection/sleep.ts';
import { readStartOffsets, type StartOffset } from '../offsets/start-offsets.ts';
import type { Transactions } from '../produce/transactions.ts';
import { topicsMissing } from '../topics/find-topics.ts';
import type { TopicMemory } from '../topics/topic-memory.ts';
import type { TopicWatch } from '../topics/topic-watch.ts';
import { begunOf, placeOf, readStanding, type Standing } from './establish.ts';
import type { GroupConsumer } from './group-consumer.ts';
import { commitByTopic } from './commit-by-topic.ts';
import { isPassing, quietMs } from './source-failure.ts';

/** What one join has given, for as long as the group cannot have given it to others since. */
export interface Given {
  readonly partitions: readonly TopicPartition[];
  readonly member: GroupConsumer;
  readonly isOver: () => boolean;
}

export interface OpeningsOptions {
  readonly source: SourceSettings;
  readonly watch: TopicWatch;
  readonly memory: TopicMemory;
  /** Where replies are transactional. */
  readonly transactions: Transactions | undefined;
  /** Aborted at a stop. */
  readonly signal: AbortSignal;
  /** Of work that nobody awaits. */
  readonly begin: (work: Promise<void>) => void;
  /** What is known of its topic, before anything is made of it. */
  readonly onStanding: (standing: Standing, partitions: readonly TopicPartition[]) => void;
  /** `id`: of its topic. */
  readonly onStart: (start: StartOffset, id: string | undefined, member: GroupConsumer) => void;
  /** Some have been opened, or it is known by now why they cannot be. */
  readonly onChanged: () => void;
}

/** Pauses between two tries, in ms. */
const retryMs = { first: 50, longest: 5_000 };

interface Waiting extends TopicPartition {
  readonly name: string;
  /** As it was when it was given first: others of its topic may be open by the next try. */
  readonly isLater: boolean;
  /** Why it is not open yet; undefined as long as that is nobody's concern. */
  trouble: MillraceError | undefined;
}

type Failures = Map<Waiting, unknown>;

export class Openings {
  readonly #options: OpeningsOptions;
  readonly #waiting = new Map<string, Waiting>();
  /** Names of partitions of which the group has what was committed for a deleted topic. */
  readonly #void = new Set<string>();

  constructor(options: OpeningsOptions) {
    this.#options = options;
  }

  /** Why some are not open; undefined where none has to be told of. Topics that may not be read are told together. */
  get trouble(): MillraceError | undefined {
    const troubles = [...this.#waiting.values()].filter(({ trouble }) => trouble !== undefined);
    const isUnreadable = ({ topic, trouble }: Waiting): boolean =>
      trouble?.message === topicsForbidden('read', [topic]).message;
    const topics = new Set(troubles.filter(isUnreadable).map(({ topic }) => topic));
    return topics.size > 1 ? topicsForbidden('read', [...topics]) : troubles[0]?.trouble;
  }

  /** Some are not open, and it is not known yet why. */
  get isUnderWay(): boolean {
    return [...this.#waiting.values()].some(({ trouble }) => trouble === undefined);
  }

  isWaiting(partition: TopicPartition): boolean {
    return this.#waiting.has(partitionName(partition));
  }

  /** What the group has of it was committed for a deleted topic by the same name. */
  noteVoid(name: string): void {
    this.#void.add(name);
  }

  /** What is not in `partitions` is not waited for any more. */
  keep(partitions: readonly TopicPartition[]): void {
    const names = new Set(partitions.map(partitionName));
    for (const name of this.#waiting.keys()) if (!names.has(name)) this.#waiting.delete(name);
    for (const name of this.#void) if (!names.has(name)) this.#void.delete(name);
  }

  /** `standing`: as it was just looked up. Resolves when a first try has ended for all of them. */
  open(partitions: readonly TopicPartition[], standing: Standing, given: Given): Promise<void> {
    const waiting = partitions.map((partition) => this.#waitFor(partition));
    return this.#tryAll(waiting, standing, given, retryMs.first);
  }

  #waitFor({ topic, partition }: TopicPartition): Waiting {
    const name = partitionName({ topic, partition });
    const known = this.#waiting.get(name);
    const isLater = known?.isLater ?? this.#options.memory.isLater(topic);
    // Whoever was about to open it before finds that it is not its any more.
    const waiting = { topic, partition, name, isLater, trouble: known?.trouble };
    this.#waiting.set(name, waiting);
    return waiting;
  }

  async #tryAll(
    waiting: readonly Waiting[],
    standing: Standing,
    given: Given,
    delayMs: number,
  ): Promise<void> {
    const failures: Failures = new Map();
    const byLeader = new Map<number, Waiting[]>();
    for (const one of waiting) {
      const place = placeOf(one, standing, this.#options.source);
      if ('error' in place) failures.set(one, place.error);
      else byLeader.set(place.nodeId, [...(byLeader.get(place.nodeId) ?? []), one]);
    }
    this.#tryAgain(failures, given, delayMs);
    await Promise.all([...byLeader.values()].map((led) => this.#tryLed(led, standing, given, delayMs)));
  }

  /** Those of one leader. */
  async #tryLed(led: Waiting[], standing: Standing, given: Given, delayMs: number): Promise<void> {
    const { transactions } = this.#options;
    let shares: readonly (readonly TopicPartition[])[];
    try {
      shares = (await transactions?.shares(led)) ?? [led];
    } catch (error) {
      this.#tryAgain(new Map(led.map((one) => [one, error])), given, delayMs);
      return;
    }
    const work = shares.map(async (share) => {
      const names = new Set(share.map(partitionName));
      const ours = led.filter(({ name }) => names.has(name));
      this.#tryAgain(await this.#tryShare(ours, standing, given), given, delayMs);
    });
    await Promise.all(work);
  }

  /** Resolves with what could not be opened, and why. */
  async #tryShare(share: readonly Waiting[], standing: Standing, given: Given): Promise<Failures> {
    const failures: Failures = new Map();
    try {
      // First: what the last owner has under way is ended by it, and then seen.
      const held = await this.#options.transactions?.open(share);
      for (const one of share) if (held?.has(one.name) === true) failures.set(one, held.get(one.name));
      const starts = await this.#readStarts(
        share.filter((one) => !failures.has(one)),
        standing,
        failures,
      );
      await this.#commit(starts, given, failures);
      if (given.isOver()) return failures;
      for (const [one, start] of starts) {
        if (failures.has(one) || !this.#isOurs(one)) continue;
        this.#waiting.delete(one.name);
        this.#void.delete(one.name);
        this.#options.onStart(start, standing.snapshot.idOf(one.topic), given.member);
      }
    } catch (error) {
      for (const one of share) failures.set(one, error);
    }
    this.#options.onChanged();
    return failures;
  }

  async #readStarts(
    partitions: readonly Waiting[],
    standing: Standing,
    failures: Failures,
  ): Promise<Map<Waiting, StartOffset>> {
    const { watch, source, memory } = this.#options;
    const topics = new Map(partitions.map((one) => [one.topic, one.isLater]));
    const begun = new Map(
      [...topics].map(([topic, isLater]) => [
        topic,
        begunOf(topic, standing, { isLater, isAgain: memory.isAgain(topic) }),
      ]),
    );
    const found = await readStartOffsets({
      ...{ watch, partitions, groupId: source.consumerGroup, initial: source.initialOffset },
      begunOf: ({ topic }) => begun.get(topic) ?? { before: undefined, count: 0 },
      isVoid: (one) => this.#void.has(partitionName(one)),
    });
    const starts = new Map<Waiting, StartOffset>();
    for (const one of partitions) {
      const start = found.get(one.name);
      if (start !== undefined && !('error' in start)) starts.set(one, start);
      else failures.set(one, isMissing(start?.error) ? topicsMissing(source, [one.topic]) : start?.error);
    }
    return starts;
  }

  /** Where those begin that the group has no offset for, or none of use. */
  async #commit(
    starts: ReadonlyMap<Waiting, StartOffset>,
    { member, isOver }: Given,
    failures: Failures,
  ): Promise<void> {
    const uncommitted = [...starts].filter(([, { isUncommitted }]) => isUncommitted);
    if (uncommitted.length === 0 || isOver()) return;
    const refused = await commitByTopic(
      uncommitted.map(([, start]) => start),
      (some) => member.commit(some),
    );
    for (const [one] of uncommitted) if (refused.has(one.topic)) failures.set(one, refused.get(one.topic));
  }

  #tryAgain(failures: Failures, given: Given, delayMs: number): void {
    if (failures.size > 0 && !given.isOver()) this.#options.begin(this.#waitAndTry(failures, given, delayMs));
  }

  #isOurs(one: Waiting): boolean {
    return this.#waiting.get(one.name) === one;
  }

  async #waitAndTry(failures: Failures, given: Given, firstDelayMs: number): Promise<void> {
    let failed = failures;
    for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * 2, retryMs.longest)) {
      for (const [one, error] of failed)
        if (delayMs >= quietMs || !isPassing(error)) one.trouble = told(error);
      this.#options.onChanged();
      await sleep(delayMs, this.#options.signal);
      const waiting = [...failed.keys()].filter((one) => this.#isOurs(one));
      if (waiting.length === 0 || given.isOver()) return;
      try {
        const standing = await readStanding(this.#options, waiting);
        if (given.isOver()) return;
        this.#options.onStanding(standing, waiting);
        this.#options.begin(this.#tryAll(waiting, standing, given, Math.min(delayMs * 2, retryMs.longest)));
        return;
      } catch (error) {
        failed = new Map(waiting.map((one) => [one, error]));
      }
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof MillraceError && error.code === 'MILLRACE_TOPIC_MISSING';
}

function told(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  return new MillraceError('MILLRACE_KAFKA_FAILED', describeError(error), { cause: error });
}
