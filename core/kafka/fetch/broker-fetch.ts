// All that is fetched at one broker: partitions at rest by sessions, all others promptly, on connections of their own. A partition is in one of
// the two.
import { setTimeout as delay } from 'node:timers/promises';
import type { Connections } from '../connection/broker-connections.ts';
import type { BrokerAddress } from '../protocol/wire-requests.ts';
import type { FairScheduler } from './fair-scheduler.ts';
import { FetchLane } from './fetch-lane.ts';
import type { FetchPlace, PartitionCursor } from './partition-cursor.ts';
import { PromptFetch } from './prompt-fetch.ts';
import { SessionPolls } from './session-polls.ts';

export interface BrokerFetchOptions {
  readonly connections: Connections;
  readonly broker: BrokerAddress;
  readonly scheduler: FairScheduler;
  readonly rackId: string;
}

/** A partition is at rest when it had no records for so long, in ms. */
const restMs = 1_000;
/** A poll waits no longer for those who want to join it, in ms. */
const longestRoundMs = 250;

export class BrokerFetch implements FetchPlace {
  readonly #here = new Set<PartitionCursor>();
  /** At rest, and waiting for a session. */
  readonly #resting = new Set<PartitionCursor>();
  readonly #promptLane: FetchLane;
  readonly #prompt: PromptFetch;
  readonly #sessions: SessionPolls;

  constructor({ connections, broker, scheduler, rackId }: BrokerFetchOptions) {
    const way = { connections, broker, rackId, throttle: { untilMs: 0 } };
    const isHere = (cursor: PartitionCursor): boolean => this.#here.has(cursor);
    this.#promptLane = new FetchLane({
      ...way,
      name: 'prompt',
      onOverdue: (error) => this.#prompt.doubt(error),
    });
    this.#prompt = new PromptFetch({
      lane: this.#promptLane,
      scheduler,
      isHere,
      onNothing: (cursor) => this.#rest(cursor),
    });
    this.#sessions = new SessionPolls({
      ...way,
      scheduler,
      isHere,
      onFree: () => this.#joinResting(),
      onRecords: (cursor) => {
        this.#sessions.leave(cursor);
        if (this.#here.has(cursor)) this.#prompt.add(cursor);
      },
    });
  }

  /** Nobody is here, and nothing is under way. */
  get isIdle(): boolean {
    return this.#here.size === 0 && this.#prompt.isIdle && this.#sessions.isIdle;
  }

  want(cursor: PartitionCursor): void {
    if (this.#here.has(cursor)) return;
    this.#here.add(cursor);
    if (this.#isRested(cursor) && !this.#prompt.isAsking(cursor) && this.#sessions.join(cursor)) return;
    this.#prompt.add(cursor);
    const { overdue } = this.#promptLane;
    if (overdue !== undefined) cursor.doubt(overdue);
  }

  unwant(cursor: PartitionCursor): void {
    if (!this.#here.delete(cursor)) return;
    this.#resting.delete(cursor);
    this.#prompt.remove(cursor);
    this.#sessions.leave(cursor);
  }

  answeredMs(cursor: PartitionCursor): number | undefined {
    return this.#sessions.answeredMs(cursor);
  }

  /** One with trouble would have each poll answered at once. Before a prompt fetch it is asked again whether there is room. */
  #isRested(cursor: PartitionCursor): boolean {
    return !cursor.isFailing && !cursor.isBehind && performance.now() - cursor.recordsMs >= restMs;
  }

  #rest(cursor: PartitionCursor): boolean {
    if (!this.#isRested(cursor)) return false;
    if (this.#sessions.join(cursor)) return true;
    this.#resting.add(cursor);
    return false;
  }

  /** A fetch is under way for one or the other nearly always: who is asked for by it would never join. */
  async #joinResting(): Promise<void> {
    const isAsked = [...this.#resting].some((cursor) => this.#prompt.isAsking(cursor));
    if (isAsked) await Promise.race([this.#prompt.round, delay(longestRoundMs)]);
    for (const cursor of this.#resting) {
      if (!this.#isRested(cursor)) this.#resting.delete(cursor);
      else if (!this.#prompt.isAsking(cursor) && this.#sessions.join(cursor)) {
        this.#resting.delete(cursor);
        this.#prompt.remove(cursor);
      }
    }
  }
}
