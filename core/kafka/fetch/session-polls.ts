// The partitions at rest of one broker, in as few polls as keep a wake-up short: a broker goes through all partitions of a session when one of
// them has records, and again for the next poll, before it answers.
import { FetchLane, type FetchLaneOptions } from './fetch-lane.ts';
import type { PartitionCursor } from './partition-cursor.ts';
import { SessionPoll, type SessionPollOptions } from './session-poll.ts';

export type SessionPollsOptions = Omit<SessionPollOptions, 'lane'> &
  Omit<FetchLaneOptions, 'name' | 'onOverdue'>;

/** Each poll has a connection of its own. */
const lanes = ['fetch', 'fetch-2'] as const;
/** There is another poll where all have so many partitions, as long as there is a lane for it. */
const mostPartitions = 2_000;

export class SessionPolls {
  readonly #options: SessionPollsOptions;
  readonly #polls: SessionPoll[] = [];

  constructor(options: SessionPollsOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#polls.every(({ isIdle }) => isIdle);
  }

  /** False where it has to wait for the end of a poll, or its partition is polled from another position. */
  join(cursor: PartitionCursor): boolean {
    const shared = this.#polls.find((poll) => poll.covers(cursor));
    if (shared !== undefined) return shared.join(cursor);
    const open = this.#open();
    return open.length === 0 ? this.#begin(cursor) : open.some((poll) => poll.join(cursor));
  }

  leave(cursor: PartitionCursor): void {
    for (const poll of this.#polls) poll.leave(cursor);
  }

  /** Undefined where it has not been answered here. */
  answeredMs(cursor: PartitionCursor): number | undefined {
    for (const poll of this.#polls) {
      const answeredMs = poll.answeredMs(cursor);
      if (answeredMs !== undefined) return answeredMs;
    }
    return undefined;
  }

  /** Those that may grow. None: there may be another one. */
  #open(): SessionPoll[] {
    const open = this.#polls.filter(({ size }) => size < mostPartitions);
    if (open.length > 0 || this.#polls.length < lanes.length) return open;
    const least = Math.min(...this.#polls.map(({ size }) => size));
    return this.#polls.filter(({ size }) => size === least);
  }

  #begin(cursor: PartitionCursor): boolean {
    const name = lanes[this.#polls.length];
    if (name === undefined) return false;
    const lane = new FetchLane({
      ...this.#options,
      name,
      onOverdue: (error) => poll.doubt(error),
    });
    const poll = new SessionPoll({ ...this.#options, lane });
    this.#polls.push(poll);
    return poll.join(cursor);
  }
}
