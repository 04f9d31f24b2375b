// The partitions at rest of one broker: a fetch session, polled for as long as the broker likes to wait. Who joins does so between two
// polls; who had records leaves, to be fetched beside it.
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { MillraceError } from '../../contract/errors.ts';
import { failureOf, requestFailed } from '../offsets/offset-failures.ts';
import type { FetchLane } from './fetch-lane.ts';
import { isSamePosition, keyOf, type FetchAnswer, type FetchPosition } from './fetch-request.ts';
import { FetchSession } from './fetch-session.ts';
import { createBudget, handOver, type HandOverOptions } from './hand-over.ts';
import { positionOf, type PartitionCursor } from './partition-cursor.ts';

export interface SessionPollOptions extends HandOverOptions {
  readonly lane: FetchLane;
  /** Between two polls: who wants to may `join`. The next poll waits for it. Must not reject. */
  readonly onFree: () => Promise<void>;
  /** It had records, and has left the session. */
  readonly onRecords: (cursor: PartitionCursor) => void;
}

/** Those who fetch a partition from the same position. */
interface Entry {
  readonly position: FetchPosition;
  /** → when it joined, in ms of `performance.now()`. */
  readonly cursors: Map<PartitionCursor, number>;
}

/**
 * So long a broker may wait, in ms. It pays for each poll by all partitions of the session; who joins has to wait for the next one. So
 * polls are short after somebody joined, and twice as long each time that nothing came.
 */
const holdMs = { first: 500, most: 8_000 } as const;
/** Pauses between sessions that a broker does not take, in ms. */
const restartMs = { first: 100, most: 5_000 } as const;

export class SessionPoll {
  readonly #options: SessionPollOptions;
  readonly #session = new FetchSession();
  /** By name. */
  readonly #entries = new Map<string, Entry>();
  /** Names by topic id and partition. */
  readonly #names = new Map<string, string>();
  /** Who left during this poll, with its version then: the poll covers it still. */
  readonly #left = new Map<PartitionCursor, number>();
  #isRunning = false;
  #isPolling = false;
  #answeredMs = -Infinity;
  #holdMs: number = holdMs.first;
  #restarts = 0;
  #isDoubted = false;

  constructor(options: SessionPollOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return !this.#isRunning;
  }

  /** How many partitions it has. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether the partition is in it, be it for somebody else. */
  covers(cursor: PartitionCursor): boolean {
    return this.#entries.has(keyOf(cursor, false));
  }

  /** False where it has to wait for the end of this poll, or its partition is polled from another position. */
  join(cursor: PartitionCursor): boolean {
    const position = positionOf(cursor);
    const name = keyOf(position, false);
    const entry = this.#entries.get(name);
    if (entry !== undefined) {
      if (!isSamePosition(entry.position, position)) return false;
      entry.cursors.set(cursor, performance.now());
      return true;
    }
    if (this.#isPolling && this.#left.get(cursor) !== cursor.version) return false;
    this.#entries.set(name, { position, cursors: new Map([[cursor, performance.now()]]) });
    this.#names.set(keyOf(position, true), name);
    this.#session.put(position);
    if (!this.#isRunning) void this.#run();
    return true;
  }

  leave(cursor: PartitionCursor): void {
    const name = keyOf(cursor, false);
    const entry = this.#entries.get(name);
    if (entry?.cursors.delete(cursor) !== true) return;
    if (this.#isPolling) this.#left.set(cursor, cursor.version);
    if (entry.cursors.size > 0) return;
    this.#entries.delete(name);
    this.#names.delete(keyOf(entry.position, true));
    this.#session.remove(entry.position);
  }

  /** Undefined where it has not been answered here. */
  answeredMs(cursor: PartitionCursor): number | undefined {
    const joinedMs = this.#entries.get(keyOf(cursor, false))?.cursors.get(cursor);
    return joinedMs !== undefined && joinedMs < this.#answeredMs ? this.#answeredMs : undefined;
  }

  /** This poll is overdue. */
  doubt(error: MillraceError): void {
    this.#isDoubted = true;
    for (const cursor of this.#cursors()) cursor.doubt(error);
  }

  #cursors(): PartitionCursor[] {
    return [...this.#entries.values()].flatMap(({ cursors }) => [...cursors.keys()]);
  }

  /** All who are in the session have the same trouble. */
  #fail(error: unknown): void {
    const failure = requestFailed(error).error;
    for (const cursor of this.#cursors()) cursor.failed(failure);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // All that comes in this turn goes into one request.
    await turn();
    for (;;) {
      await this.#options.onFree();
      await this.#options.lane.throttled();
      if (this.#entries.size === 0) break;
      await this.#poll();
    }
    this.#isRunning = false;
  }

  /** Never rejects. */
  async #poll(): Promise<void> {
    const request = this.#session.next();
    if (request.positions.length > 0) this.#holdMs = holdMs.first;
    this.#isPolling = true;
    try {
      const answer = await this.#options.lane.send({ ...request, maxWaitMs: this.#holdMs });
      await this.#answered(answer);
    } catch (error) {
      this.#session.lost();
      this.#fail(error);
    } finally {
      this.#isPolling = false;
      this.#left.clear();
    }
  }

  async #answered(answer: FetchAnswer): Promise<void> {
    const outcome = this.#session.answered(answer.errorCode, answer.sessionId);
    if (outcome === 'begins anew') {
      await delay(Math.min(restartMs.most, restartMs.first * 2 ** this.#restarts++));
      return;
    }
    if (outcome === 'failed') {
      this.#fail(failureOf(answer.errorCode, 'records of its partitions')?.error);
      return;
    }
    this.#restarts = 0;
    this.#answeredMs = performance.now();
    if (answer.partitions.size === 0) this.#holdMs = Math.min(holdMs.most, this.#holdMs * 2);
    const budget = createBudget();
    for (const [key, fetched] of answer.partitions) {
      const entry = this.#entries.get(answer.byId ? (this.#names.get(key) ?? '') : key);
      if (entry === undefined) continue;
      const { position } = entry;
      for (const cursor of [...entry.cursors.keys()]) {
        const asked = { cursor, version: cursor.version, position };
        const found = await handOver(asked, fetched, budget, this.#options);
        if (found === 'records') this.#options.onRecords(cursor);
      }
    }
    if (!this.#isDoubted) return;
    this.#isDoubted = false;
    for (const cursor of this.#cursors()) cursor.sound();
  }
}
