// The replicas of one function: runs the desired number of processes, and restarts those that end by themselves. The endpoint of
// a replica is withdrawn before its process is asked to stop, and at once if the process ends by itself.
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../core/contract/errors.ts';
import type { Endpoint } from '../../core/contract/endpoint-source.ts';
import { findFreePorts } from '../kafka/free-ports.ts';
import { startFunctionProcess } from './process-function.ts';
import type { FunctionProcess, ProcessExit } from './process-function.ts';

export interface ReplicasOptions {
  readonly command: string;
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  /** Requests in flight to the function. A replica that stops waits up to `drainLimitMs` until there are none. */
  readonly inFlight: () => number;
  readonly drainLimitMs: number;
  readonly onReady: (ready: readonly Endpoint[]) => void;
  /** A line that a replica wrote, to stdout or stderr. */
  readonly onLine: (replica: number, line: string) => void;
  /** A problem that the user should know about: the replica crashed, or it does not listen. */
  readonly onTrouble: (replica: number, message: string) => void;
}

const stopGraceMs = 5000;
const slowStartMs = 10_000;
const firstBackoffMs = 500;
const lastBackoffMs = 10_000;
/** A replica that ran for this long is not in a crash loop, so its backoff starts again. */
const steadyMs = 10_000;

export class FunctionReplicas {
  readonly #options: ReplicasOptions;
  readonly #wanted: Replica[] = [];
  readonly #leaving = new Set<Promise<void>>();

  constructor(options: ReplicasOptions) {
    this.#options = options;
  }

  get desired(): number {
    return this.#wanted.length;
  }

  /** Replicas that have a process or are about to restart one, including those that are stopping. */
  get alive(): number {
    return this.#wanted.length + this.#leaving.size;
  }

  get ready(): readonly Endpoint[] {
    return this.#wanted.flatMap(({ endpoint }) => (endpoint === undefined ? [] : [endpoint]));
  }

  /** Returns at once. When scaling down, replicas that are not ready stop first, then the youngest. */
  scaleTo(replicas: number): void {
    while (this.#wanted.length < replicas) this.#wanted.push(this.#add());
    while (this.#wanted.length > replicas) {
      const unready = this.#wanted.findLastIndex(({ endpoint }) => endpoint === undefined);
      const [leaver] = this.#wanted.splice(unready, 1);
      if (leaver !== undefined) this.#release(leaver);
    }
  }

  /** Resolves when no process is left. */
  async stop(): Promise<void> {
    this.scaleTo(0);
    await Promise.all(this.#leaving);
  }

  #add(): Replica {
    const taken = new Set(this.#wanted.map(({ number }) => number));
    let number = 0;
    while (taken.has(number)) number += 1;
    return new Replica(number, this.#options, () => this.#options.onReady(this.ready));
  }

  #release(replica: Replica): void {
    const left = replica.leave().finally(() => this.#leaving.delete(left));
    this.#leaving.add(left);
  }
}

class Replica {
  readonly number: number;
  endpoint: Endpoint | undefined;
  readonly #options: ReplicasOptions;
  readonly #onChange: () => void;
  readonly #leaving = new AbortController();
  readonly #ended: Promise<void>;
  #process: FunctionProcess | undefined;

  constructor(number: number, options: ReplicasOptions, onChange: () => void) {
    this.number = number;
    this.#options = options;
    this.#onChange = onChange;
    this.#ended = this.#keepRunning();
  }

  async leave(): Promise<void> {
    this.#leaving.abort();
    if (this.endpoint !== undefined) {
      this.#withdraw();
      await this.#drained();
    }
    await this.#process?.stop(stopGraceMs);
    await this.#ended;
  }

  async #keepRunning(): Promise<void> {
    let failures = 0;
    while (!this.#isLeaving()) {
      const startedAt = Date.now();
      const end = await this.#runOnce().catch(describeError);
      if (this.#isLeaving()) return;
      failures = Date.now() - startedAt > steadyMs ? 1 : failures + 1;
      const backoffMs = Math.min(lastBackoffMs, firstBackoffMs * 2 ** (failures - 1));
      this.#options.onTrouble(this.number, `${end}; starting again in ${backoffMs / 1000} s`);
      await sleep(backoffMs, undefined, { signal: this.#leaving.signal }).catch(() => undefined);
    }
  }

  /** Runs one process from start to end. Resolves with a description of how it ended. */
  async #runOnce(): Promise<string> {
    const { command, directory, env, onLine, onTrouble } = this.#options;
    const [port = 0] = await findFreePorts(1);
    if (this.#isLeaving()) return '';
    const process = await startFunctionProcess({
      command,
      directory,
      port,
      env: { ...env, MILLRACE_REPLICA: String(this.number) },
      onLine: (line) => onLine(this.number, line),
    });
    this.#process = process;
    if (this.#isLeaving()) void process.stop(stopGraceMs);
    const hint = `does not accept connections on 127.0.0.1:${port} yet: does “${command}” listen on PORT?`;
    const slow = setTimeout(() => onTrouble(this.number, hint), slowStartMs);
    const ready = await process.ready;
    clearTimeout(slow);
    if (ready && !this.#isLeaving()) {
      this.endpoint = { origin: process.origin };
      this.#onChange();
    }
    const exit = await process.exited;
    this.#process = undefined;
    this.#withdraw();
    return `${describeExit(exit)}${ready ? '' : ` before it accepted connections (“${command}” in ${directory})`}`;
  }

  #isLeaving(): boolean {
    return this.#leaving.signal.aborted;
  }

  #withdraw(): void {
    if (this.endpoint === undefined) return;
    this.endpoint = undefined;
    this.#onChange();
  }

  /**
   * Resolves when no request of the trigger is in flight, so that none is at this replica; also when the limit is reached or the
   * process has ended.
   */
  async #drained(): Promise<void> {
    const until = Date.now() + this.#options.drainLimitMs;
    while (this.#process !== undefined && this.#options.inFlight() > 0 && Date.now() < until) await sleep(20);
  }
}

function describeExit({ code, signal }: ProcessExit): string {
  return signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
}
