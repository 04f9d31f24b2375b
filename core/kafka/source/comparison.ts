// After a join: what the group has, compared with what is ours. What stays goes on as soon as it is known that nobody else has committed, and
// that its topic is still the one that was read.
import type { RecordListener } from '../../contract/record-source.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import type { SourceSettings } from '../../contract/subscription.ts';
import { sleep } from '../connection/sleep.ts';
import { partitionKey } from '../offsets/offset-exchange.ts';
import { progressText } from '../offsets/start-offsets.ts';
import type { TopicMemory } from '../topics/topic-memory.ts';
import type { TopicWatch } from '../topics/topic-watch.ts';
import { fetchFrom, type Assigned } from './assigned-partition.ts';
import { readStanding, type Standing } from './establish.ts';
import type { GroupConsumer } from './group-consumer.ts';
import type { Given } from './openings.ts';
import { failing, isPassing, quietMs } from './source-failure.ts';

export interface ComparisonOptions {
  readonly source: SourceSettings;
  readonly watch: TopicWatch;
  readonly memory: TopicMemory;
  readonly listener: RecordListener;
  /** Aborted at a stop. */
  readonly signal: AbortSignal;
  /** What is open, by name. */
  readonly assigned: ReadonlyMap<string, Assigned>;
  /** False where others may have had it. */
  readonly isSure: () => boolean;
  readonly close: (assigned: Assigned) => void;
  /** These are closed, for their topic is another one by now. `names`: of what is about to be opened. */
  readonly onAnother: (closed: readonly Assigned[], names: ReadonlySet<string>) => void;
}

/** Pauses between two tries, in ms. */
const retryMs = { first: 50, longest: 5_000 };

export class Comparison {
  readonly #options: ComparisonOptions;
  /** There may be several, of different partitions. */
  #underWay = 0;

  constructor(options: ComparisonOptions) {
    this.#options = options;
  }

  get isUnderWay(): boolean {
    return this.#underWay > 0;
  }

  /** What was found; undefined where there is another join meanwhile. */
  async compare(given: Given): Promise<Standing | undefined> {
    this.#underWay += 1;
    try {
      for (let delayMs = retryMs.first; ; delayMs = Math.min(delayMs * 2, retryMs.longest)) {
        const standing = await this.#try(given, delayMs);
        if (given.isOver()) return undefined;
        if (standing !== undefined) return standing;
      }
    } finally {
      this.#underWay -= 1;
    }
  }

  async #try(given: Given, delayMs: number): Promise<Standing | undefined> {
    const { assigned, listener, signal } = this.#options;
    // They may go on being committed while the offsets are read.
    const before = new Map([...assigned].map(([name, { ours }]) => [name, new Set(ours)]));
    let standing: Standing;
    try {
      standing = await readStanding(this.#options, given.partitions);
    } catch (error) {
      const isTold = delayMs >= quietMs || !isPassing(error);
      if (isTold && !given.isOver()) listener.state(failing(error));
      await sleep(delayMs, signal);
      return undefined;
    }
    if (given.isOver()) return undefined;
    this.closeAnother(standing, given.partitions);
    for (const one of given.partitions) this.#goOn(one, standing, before, given.member);
    return standing;
  }

  /** What is open of topics that were deleted and created again since they were read. */
  closeAnother({ snapshot }: Standing, partitions: readonly TopicPartition[]): void {
    const { assigned, memory, listener, close, onAnother } = this.#options;
    const names = new Set(partitions.map(partitionName));
    for (const topic of new Set(partitions.map((one) => one.topic))) {
      const id = snapshot.idOf(topic);
      if (!memory.isAnother(topic, id)) continue;
      const told = { before: memory.idOf(topic) ?? '', now: id ?? '' };
      memory.noteAgain(topic);
      memory.begin(topic, id);
      const theirs = [...assigned.values()].filter((one) => one.topic === topic);
      for (const one of theirs) close(one);
      listener.noticed({ kind: 'recreated', topic, ...told });
      onAnother(theirs, names);
    }
  }

  /** `before`: what was ours before the offsets were read. */
  #goOn(
    partition: TopicPartition,
    { committed, snapshot }: Standing,
    before: ReadonlyMap<string, ReadonlySet<string>>,
    member: GroupConsumer,
  ): void {
    const name = partitionName(partition);
    const assigned = this.#options.assigned.get(name);
    if (assigned === undefined || assigned.leaving) return;
    const found = committed.get(partitionKey(partition.topic, partition.partition));
    const isTold = found === undefined || !('error' in found);
    const text = isTold && found !== undefined ? progressText(found) : '';
    const isOurs = assigned.ours.has(text) || before.get(name)?.has(text) === true;
    // Who was a member all the while need not be told: nobody else can have committed.
    if (isTold ? !isOurs : !this.#options.isSure()) {
      this.#options.close(assigned);
      return;
    }
    assigned.isHeld = false;
    assigned.isVoid = false;
    this.#options.memory.begin(partition.topic, snapshot.idOf(partition.topic));
    fetchFrom(member, assigned);
  }
}
