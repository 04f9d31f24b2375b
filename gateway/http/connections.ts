// The connections to one endpoint. A request takes the idle one that was used last, or a new one; nobody waits for a place here, because whoever
// sends holds one (`endpoints.ts`).
//
//   acquire ──► idle? ──► given at once
//                 └─ no ─► dial ──► given, or to whoever waits, or idle
//   release ──► to whoever waits ──► or idle, until the function's limit or ours ──► closed
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { Connection, type ConnectionOwner } from './connection.ts';
import { dial, type Connecting } from './dial.ts';
import { requestPrefix } from './request-bytes.ts';
import { targetOf, type Target } from './target.ts';

/** Waits for a connection. One of its methods is called, once. */
export interface Waiter {
  onConnection(connection: Connection): void;
  /** There is no connection, so nothing was sent. */
  onUnreachable(error: Error & { readonly code?: string }): void;
}

/** How long an idle connection is kept where the function does not say, and at most, in ms. */
const idle = { usualMs: 4_000, longestMs: 60_000 } as const;
/** So much before the limit that the function names an idle connection is closed, in ms. */
const idleMarginMs = 1_000;
/** A name is looked up again after this time, in ms: connections to addresses that it has no more are closed when they are free. */
const lookupAgainMs = 30_000;

export class Connections implements ConnectionOwner {
  readonly target: Target;
  readonly #connecting: Connecting;
  /** The one that was used last is last. */
  readonly #idle: Connection[] = [];
  readonly #open = new Set<Connection>();
  readonly #waiting = new Map<Waiter, 'any' | 'new'>();
  /** Gives up one dial each. */
  readonly #dials = new Set<() => void>();
  readonly #prefixes = new Map<string, string>();
  #sweep: NodeJS.Timeout | undefined;
  #lookedUpMs = performance.now();
  #isClosed = false;

  constructor(origin: string, connecting: Connecting) {
    this.target = targetOf(origin);
    this.#connecting = connecting;
  }

  /** How many there are, and are being made. */
  get size(): number {
    return this.#open.size + this.#dials.size;
  }

  /** What all requests to `path` begin with. Throws a TypeError for what is not a path. */
  prefixOf(path: string): string {
    let prefix = this.#prefixes.get(path);
    if (prefix === undefined) {
      prefix = requestPrefix(this.target.authority, path);
      this.#prefixes.set(path, prefix);
    }
    return prefix;
  }

  /** Gives `waiter` a connection without a request, maybe at once; with `which: new`, one that has carried none. */
  acquire(waiter: Waiter, which: 'any' | 'new' = 'any'): void {
    const nowMs = performance.now();
    if (nowMs >= this.#lookedUpMs + lookupAgainMs) this.#lookUpAgain(nowMs);
    while (which === 'any') {
      const connection = this.#idle.pop();
      if (connection === undefined) break;
      if (connection.idleEndMs > nowMs) return waiter.onConnection(connection);
      connection.close();
    }
    if (this.#isClosed) return waiter.onUnreachable(new Error('the connections are closed'));
    this.#waiting.set(waiter, which);
    this.#dial(waiter);
  }

  /** `waiter` does not wait any more. */
  leave(waiter: Waiter): void {
    this.#waiting.delete(waiter);
  }

  onIdle(connection: Connection, idleMs: number = idle.usualMs + idleMarginMs): void {
    if (this.#isClosed) return connection.close();
    if (this.#waiting.size > 0)
      for (const [waiter, which] of this.#waiting) if (which === 'any') return this.#give(connection, waiter);
    const keptMs = Math.min(idle.longestMs, idleMs - idleMarginMs);
    if (keptMs <= 0) return connection.close();
    connection.idleEndMs = performance.now() + keptMs;
    this.#idle.push(connection);
    this.#sweep ??= setTimeout(() => this.#closeIdle(), keptMs).unref();
  }

  onGone(connection: Connection): void {
    this.#open.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  /** Makes no more connections, and closes those that there are as soon as they carry no request. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#open) connection.isRetired = true;
    for (const connection of this.#idle.splice(0)) connection.close();
    clearTimeout(this.#sweep);
    this.#sweep = undefined;
  }

  /** Closes all connections. What is under way on them has failed. */
  destroy(): void {
    this.close();
    for (const giveUp of this.#dials) giveUp();
    this.#dials.clear();
    for (const waiter of [...this.#waiting.keys()]) {
      this.#waiting.delete(waiter);
      waiter.onUnreachable(new Error('the connections are closed'));
    }
    for (const connection of [...this.#open]) connection.fail('the gateway closed the connection');
  }

  #dial(waiter: Waiter): void {
    const connection = new Connection(this);
    const giveUp = dial(this.target, this.#connecting, {
      onBytes: connection.read,
      onConnected: (socket) => {
        this.#dials.delete(giveUp);
        this.#open.add(connection);
        connection.open(socket);
        connection.isRetired = this.#isClosed;
        if (this.#waiting.has(waiter)) this.#give(connection, waiter);
        else this.onIdle(connection, undefined);
      },
      onFailure: (error) => {
        this.#dials.delete(giveUp);
        if (this.#waiting.delete(waiter)) waiter.onUnreachable(error);
      },
    });
    this.#dials.add(giveUp);
  }

  #give(connection: Connection, waiter: Waiter): void {
    this.#waiting.delete(waiter);
    waiter.onConnection(connection);
  }

  #closeIdle(): void {
    this.#sweep = undefined;
    const nowMs = performance.now();
    for (const connection of this.#idle.filter(({ idleEndMs }) => idleEndMs <= nowMs)) connection.close();
    const nextMs = Math.min(...this.#idle.map(({ idleEndMs }) => idleEndMs));
    if (nextMs < Infinity) this.#sweep = setTimeout(() => this.#closeIdle(), nextMs - nowMs + 1).unref();
  }

  /** A name that cannot be looked up keeps its connections. */
  #lookUpAgain(nowMs: number): void {
    this.#lookedUpMs = nowMs;
    const { host } = this.target;
    if (isIP(host) !== 0) return;
    const look = this.#connecting.guard?.lookup ?? lookup;
    look(host, { all: true }, (error, addresses) => {
      if (error !== null || typeof addresses === 'string') return;
      const current = new Set(addresses.map(({ address }) => address));
      for (const connection of this.#open)
        if (!current.has(connection.remoteAddress ?? '')) connection.isRetired = true;
      for (const connection of this.#idle.filter(({ isRetired }) => isRetired)) connection.close();
    });
  }
}
