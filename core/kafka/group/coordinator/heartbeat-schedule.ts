// One timer for the heartbeats of all members of a login: thousands of members that sleep are due in bunches, and the heartbeats of
// a bunch go out in one write.
import type { Connections } from '../../connection/broker-connections.ts';

/** How far two due times may be apart to be one, in ms. */
const tickMs = 50;

const schedules = new WeakMap<Connections, HeartbeatSchedule>();

/** That of all members who use these connections. */
export function heartbeatScheduleOf(connections: Connections): HeartbeatSchedule {
  let schedule = schedules.get(connections);
  if (schedule === undefined) schedules.set(connections, (schedule = new HeartbeatSchedule()));
  return schedule;
}

/**
 * A member of a classic group learns of a rebalance by its heartbeat: what moves waits for two of them. Beyond 50 members, each adds 6 ms to the
 * pause, so that they send 185 requests a second in all; the longest pause leaves a second heartbeat for a lost one within a session of 10 s.
 */
const pauses = { shortestMs: 300, perMemberMs: 6, longestMs: 4_000 };

export class HeartbeatSchedule {
  /** By the number of the tick at which they are due. */
  readonly #due = new Map<number, Set<() => void>>();
  #timer: NodeJS.Timeout | undefined;
  #timerTick = Infinity;
  #members = 0;

  /** Between two heartbeats of a classic member, in ms. Drawn anew each time, or members that came together would beat together for ever. */
  get pauseMs(): number {
    const { shortestMs, perMemberMs, longestMs } = pauses;
    const pauseMs = Math.min(longestMs, Math.max(shortestMs, this.#members * perMemberMs));
    return pauseMs * (0.8 + Math.random() / 5);
  }

  /** One classic member more, until the result is called; once. */
  enter(): () => void {
    this.#members += 1;
    return () => (this.#members -= 1);
  }

  /** Runs `work` once, at `dueMs` of `performance.now()` or up to 50 ms later. It must not throw. Returns how to call it off. */
  at(dueMs: number, work: () => void): () => void {
    const tick = Math.ceil(dueMs / tickMs);
    let bunch = this.#due.get(tick);
    if (bunch === undefined) this.#due.set(tick, (bunch = new Set()));
    // Each call is an entry of its own, also where the work is the same.
    const entry = (): void => work();
    bunch.add(entry);
    if (tick < this.#timerTick) this.#wait(tick);
    return () => {
      bunch.delete(entry);
      if (bunch.size > 0) return;
      if (this.#due.get(tick) === bunch) this.#due.delete(tick);
      if (this.#due.size === 0) this.#rest();
    };
  }

  #wait(tick: number): void {
    clearTimeout(this.#timer);
    this.#timerTick = tick;
    this.#timer = setTimeout(() => this.#run(), Math.max(1, tick * tickMs - performance.now()));
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerTick = Infinity;
  }

  #run(): void {
    this.#rest();
    const nowTick = Math.floor((performance.now() + 1) / tickMs);
    const bunches = [...this.#due].filter(([tick]) => tick <= nowTick);
    for (const [tick] of bunches) this.#due.delete(tick);
    // One may call off another of its bunch.
    for (const [, bunch] of bunches) for (const work of bunch) work();
    let next = Infinity;
    for (const tick of this.#due.keys()) next = Math.min(next, tick);
    if (next < this.#timerTick) this.#wait(next);
  }
}
