// Connections to one broker for requests that wait there for other members of a group: one request each, so that none stands behind another that
// may wait for minutes. A connection that is free is taken before a new one is made; when all are in use, requests wait for their turn.
import { addressText } from './broker-address.ts';
import {
  BrokerConnection,
  closedError,
  type BrokerConnectionOptions,
  type BrokerLink,
} from './broker-connection.ts';
import { inTime } from './late-error.ts';
import type { KafkaRequest } from '../protocol/wire-requests.ts';

export interface WaitingConnectionsOptions extends BrokerConnectionOptions {
  /** How many connections there are at most. */
  readonly most: number;
}

interface Turn {
  readonly resolve: (connection: BrokerConnection) => void;
  readonly reject: (error: Error) => void;
}

export class WaitingConnections implements BrokerLink {
  readonly #options: WaitingConnectionsOptions;
  /** The last one used comes last, and is taken first: so the others become idle, and end. */
  readonly #free: BrokerConnection[] = [];
  readonly #inUse = new Set<BrokerConnection>();
  readonly #turns = new Set<Turn>();
  #isClosed = false;

  constructor(options: WaitingConnectionsOptions) {
    this.#options = options;
  }

  get isConnected(): boolean {
    return [...this.#inUse, ...this.#free].some(({ isConnected }) => isConnected);
  }

  get isForgotten(): boolean {
    return this.#inUse.size === 0 && this.#free.every(({ isForgotten }) => isForgotten);
  }

  get waitsFor(): string | undefined {
    for (const { waitsFor } of this.#inUse) if (waitsFor !== undefined) return waitsFor;
    return undefined;
  }

  async send<T>(request: KafkaRequest<T>, deadlineMs: number): Promise<T> {
    const connection = await this.#take(deadlineMs);
    try {
      const answer = await connection.send(request, deadlineMs);
      this.#giveBack(connection);
      return answer;
    } catch (error) {
      // The broker may still hold the answer back: what is asked next would wait for it.
      this.#drop(connection);
      throw error;
    }
  }

  probeNow(): void {
    // Each request tries to connect.
  }

  retire(): void {
    for (const connection of [...this.#inUse, ...this.#free]) connection.retire();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { reject } of this.#turns) reject(closedError());
    this.#turns.clear();
    await Promise.all([...this.#inUse, ...this.#free.splice(0)].map((connection) => connection.close()));
  }

  async #take(deadlineMs: number): Promise<BrokerConnection> {
    if (this.#isClosed) throw closedError();
    const connection = this.#takeFree() ?? this.#make();
    if (connection !== undefined) return connection;
    const { promise, ...turn } = Promise.withResolvers<BrokerConnection>();
    this.#turns.add(turn);
    const { most } = this.#options;
    const stage = `${most} requests wait at ${addressText(this.#options)} for members of their groups, and no turn`;
    try {
      return await inTime(promise, deadlineMs - performance.now(), () => stage);
    } catch (error) {
      // A turn that comes in the same moment goes on to the next.
      if (!this.#turns.delete(turn)) promise.then((late) => this.#giveBack(late)).catch(() => undefined);
      throw error;
    }
  }

  #takeFree(): BrokerConnection | undefined {
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      if (!free.isConnected) continue;
      this.#inUse.add(free);
      return free;
    }
    return undefined;
  }

  #make(): BrokerConnection | undefined {
    const { most, ...options } = this.#options;
    if (this.#inUse.size >= most) return undefined;
    const made = new BrokerConnection({ ...options, probing: undefined });
    this.#inUse.add(made);
    return made;
  }

  #giveBack(connection: BrokerConnection): void {
    const [next] = this.#turns;
    if (next !== undefined) {
      this.#turns.delete(next);
      next.resolve(connection);
      return;
    }
    this.#inUse.delete(connection);
    if (!this.#isClosed) this.#free.push(connection);
  }

  #drop(connection: BrokerConnection): void {
    this.#inUse.delete(connection);
    void connection.close();
    const [next] = this.#turns;
    const made = next === undefined ? undefined : this.#make();
    if (next === undefined || made === undefined) return;
    this.#turns.delete(next);
    next.resolve(made);
  }
}
