// What the functions themselves say they received: a second opinion on the gateway's counts.

/** One request that a function received. */
export interface Arrival {
  readonly id: string;
  /** By the function's own clock. */
  readonly atMs: number;
  /** How often the function had slept before. */
  readonly sleeps: number;
}

interface Witnessed {
  readonly arrivals: Arrival[];
  sleeps: number;
  alive: boolean;
  maxReady: number;
}

const report = /^received (\S+) at (\S+)$/;

export class FunctionLog {
  readonly #functions = new Map<string, Witnessed>();

  /** Takes note of a line that says `received ID at TIME`; false for any other line. */
  hear(key: string, line: string): boolean {
    const [, id, time] = report.exec(line) ?? [];
    if (id === undefined || time === undefined) return false;
    const { arrivals, sleeps } = this.#of(key);
    arrivals.push({ id, atMs: Date.parse(time), sleeps });
    return true;
  }

  /** Takes note of how many replicas there are; to be called often. */
  see(key: string, { alive, ready }: { readonly alive: number; readonly ready: number }): void {
    const seen = this.#of(key);
    if (seen.alive && alive === 0) seen.sleeps += 1;
    seen.alive = alive > 0;
    seen.maxReady = Math.max(seen.maxReady, ready);
  }

  arrivals(key: string): readonly Arrival[] {
    return this.#of(key).arrivals;
  }

  /** The most replicas that were ready at a time. */
  maxReady(key: string): number {
    return this.#of(key).maxReady;
  }

  #of(key: string): Witnessed {
    let witnessed = this.#functions.get(key);
    if (witnessed === undefined) {
      witnessed = { arrivals: [], sleeps: 0, alive: false, maxReady: 0 };
      this.#functions.set(key, witnessed);
    }
    return witnessed;
  }
}
