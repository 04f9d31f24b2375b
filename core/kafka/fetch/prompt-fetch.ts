// The partitions of one broker that are not at rest: those that have just come, and those with records. They are fetched without a session,
// in turns, and without a wait where somebody has just come.
import { setImmediate as turn } from 'node:timers/promises';
import type { MillraceError } from '../../contract/errors.ts';
import { failureOf, requestFailed } from '../offsets/offset-failures.ts';
import type { FetchLane } from './fetch-lane.ts';
import { keyOf, type FetchAnswer } from './fetch-request.ts';
import {
  createBudget,
  handOver,
  type AskedPartition,
  type HandOverOptions,
  type HandOverOutcome,
} from './hand-over.ts';
import { positionOf, type PartitionCursor } from './partition-cursor.ts';

export interface PromptFetchOptions extends HandOverOptions {
  readonly lane: FetchLane;
  /** It had no records. True where it is looked after elsewhere from now on. */
  readonly onNothing: (cursor: PartitionCursor) => boolean;
}

/** How many partitions one request asks for: each costs the broker, and an answer has room for some only. */
const mostPartitions = 256;
/** So long a broker may wait where all were asked for before, in ms: whoever comes meanwhile waits no longer. */
const holdMs = 20;
const noSession = { sessionId: 0, sessionEpoch: -1, forgotten: [] } as const;

export class PromptFetch {
  readonly #options: PromptFetchOptions;
  /** Whose turn is next comes first. */
  readonly #queue = new Set<PartitionCursor>();
  /** Of these, those that were not asked for yet. */
  readonly #fresh = new Set<PartitionCursor>();
  #underWay: ReadonlyMap<string, readonly AskedPartition[]> = new Map();
  readonly #asked = new Set<PartitionCursor>();
  #isRunning = false;
  #round: Promise<void> = Promise.resolve();

  constructor(options: PromptFetchOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return !this.#isRunning;
  }

  /** Resolves when the fetch that is under way is answered, and handed over. */
  get round(): Promise<void> {
    return this.#round;
  }

  /** Whether a fetch is under way. */
  isAsking(cursor: PartitionCursor): boolean {
    return this.#asked.has(cursor);
  }

  add(cursor: PartitionCursor): void {
    if (this.#queue.has(cursor)) return;
    this.#queue.add(cursor);
    this.#fresh.add(cursor);
    if (!this.#isRunning) void this.#run();
  }

  remove(cursor: PartitionCursor): void {
    this.#queue.delete(cursor);
    this.#fresh.delete(cursor);
  }

  /** The fetch under way is overdue, and whoever waits for the next one waits for it. */
  doubt(error: MillraceError): void {
    for (const cursor of this.#cursors()) cursor.doubt(error);
  }

  #cursors(): PartitionCursor[] {
    return [...this.#asked, ...this.#queue].filter((cursor) => this.#options.isHere(cursor));
  }

  /** All who are here have the same trouble. */
  #fail(error: unknown): void {
    const failure = requestFailed(error).error;
    for (const cursor of this.#cursors()) cursor.failed(failure);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // All that comes in this turn goes into one request.
    await turn();
    while (this.#queue.size > 0) {
      await this.#options.lane.throttled();
      this.#round = this.#fetch();
      await this.#round;
    }
    this.#isRunning = false;
  }

  /** Never rejects. */
  async #fetch(): Promise<void> {
    const isPrompt = this.#take();
    const positions = [...this.#underWay.values()].flatMap(([first]) => first?.position ?? []);
    if (positions.length === 0) return;
    const byId = positions.every(({ topicId }) => topicId !== undefined);
    const maxWaitMs = isPrompt ? 0 : holdMs;
    try {
      const answer = await this.#options.lane.send({ ...noSession, byId, positions, maxWaitMs });
      await this.#answered(answer);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#underWay = new Map();
      this.#asked.clear();
    }
  }

  /** Fills `#underWay`. True where somebody is not to wait. */
  #take(): boolean {
    const underWay = new Map<string, AskedPartition[]>();
    let isPrompt = false;
    for (const cursor of this.#queue) {
      if (cursor.room() <= 0) {
        this.remove(cursor);
        continue;
      }
      const position = positionOf(cursor);
      const name = keyOf(position, false);
      const others = underWay.get(name);
      const [first] = others ?? [];
      // A request has room for one position of a partition.
      if (first !== undefined && !isSameRead(first, position)) continue;
      if (first === undefined && underWay.size === mostPartitions) break;
      underWay.set(name, [...(others ?? []), { cursor, version: cursor.version, position }]);
      this.#queue.delete(cursor);
      this.#asked.add(cursor);
      if (this.#fresh.delete(cursor)) isPrompt = true;
    }
    this.#underWay = underWay;
    return isPrompt || this.#queue.size > 0;
  }

  async #answered(answer: FetchAnswer): Promise<void> {
    if (answer.errorCode !== 0) {
      this.#fail(failureOf(answer.errorCode, 'records of its partitions')?.error);
      return;
    }
    const budget = createBudget();
    const served: PartitionCursor[] = [];
    for (const all of this.#underWay.values()) {
      for (const asked of all) {
        const fetched = answer.partitions.get(keyOf(asked.position, answer.byId));
        const outcome =
          fetched === undefined ? 'left' : await handOver(asked, fetched, budget, this.#options);
        this.#asked.delete(asked.cursor);
        if (outcome === 'records') served.push(asked.cursor);
        else this.#again(asked.cursor, outcome);
      }
    }
    // Brokers fill an answer in the order of the request (KIP-74): who had records lets the others go first.
    for (const cursor of served) this.#again(cursor, 'records');
  }

  #again(cursor: PartitionCursor, outcome: HandOverOutcome): void {
    if (!this.#options.isHere(cursor) || this.#queue.has(cursor)) return;
    if (outcome === 'nothing' && this.#options.onNothing(cursor)) return;
    this.#queue.add(cursor);
  }
}

function isSameRead({ position }: AskedPartition, other: AskedPartition['position']): boolean {
  return position.offset === other.offset && position.lastEpoch === other.lastEpoch;
}
