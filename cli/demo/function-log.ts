// What the functions themselves report as received, to check the gateway's counts against.

/** One request that a function received. */
export interface Arrival {
  readonly id: string;
  /** Time on the function's own clock. */
  readonly atMs: number;
  /** How often the function had scaled to zero before. */
  readonly sleeps: number;
}

interface FunctionHistory {
  readonly arrivals: Arrival[];
  sleeps: number;
  alive: boolean;
  maxReady: number;
}

const arrivalLine = /^received (\S+) at (\S+)$/;

export class FunctionLog {
  readonly #functions = new Map<string, FunctionHistory>();

  /** Records the arrival that a line `received ID at TIME` reports. Returns false for any other line. */
  readLine(key: string, line: string): boolean {
    const [, id, time] = arrivalLine.exec(line) ?? [];
    if (id === undefined || time === undefined) return false;
    const { arrivals, sleeps } = this.#of(key);
    arrivals.push({ id, atMs: Date.parse(time), sleeps });
    return true;
  }

  /** Records the current number of replicas. Call it often: it must not miss a moment without replicas. */
  observeReplicas(key: string, { alive, ready }: { readonly alive: number; readonly ready: number }): void {
    const history = this.#of(key);
    if (history.alive && alive === 0) history.sleeps += 1;
    history.alive = alive > 0;
    history.maxReady = Math.max(history.maxReady, ready);
  }

  arrivals(key: string): readonly Arrival[] {
    return this.#of(key).arrivals;
  }

  /** The highest number of replicas that were ready at the same time. */
  maxReady(key: string): number {
    return this.#of(key).maxReady;
  }

  #of(key: string): FunctionHistory {
    let history = this.#functions.get(key);
    if (history === undefined) {
      history = { arrivals: [], sleeps: 0, alive: false, maxReady: 0 };
      this.#functions.set(key, history);
    }
    return history;
  }
}
