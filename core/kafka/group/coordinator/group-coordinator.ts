// The broker that coordinates a group, found anew wherever it has moved, is gone, or does not answer: for joins, heartbeats, commits and
// the leave alike.
import { MillraceError } from '../../../contract/errors.ts';
import type { Connections } from '../../connection/broker-connections.ts';
import type { Topology } from '../../connection/topology.ts';
import type { BrokerAddress, KafkaRequest } from '../../protocol/wire-requests.ts';
import { sleep } from '../../connection/sleep.ts';
import { requestFailed } from '../../offsets/offset-failures.ts';
import { groupError, refusalKindOf } from './group-errors.ts';

export interface GroupCoordinatorOptions {
  readonly connections: Connections;
  readonly topology: Topology;
  readonly groupId: string;
}

export interface Ask<T> {
  /** The error code in the answer; of several, one that passes. */
  readonly codeOf: (answer: T) => number;
  /** How long one try may take, in ms; longer where the request asks the broker to hold its answer. */
  readonly tryMs: number;
  /** How long tries may fail, one after the other, in ms. */
  readonly patienceMs: number;
  /** Before each request that leaves. */
  readonly onTry?: (() => void) | undefined;
  /** Ends it: nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
}

export type CoordinatorAnswer<T> =
  | { readonly kind: 'answered'; readonly answer: T }
  /** `passing`: the coordinator is to be found anew. It may have done what it was asked for. */
  | { readonly kind: 'failed'; readonly error: MillraceError; readonly passing: boolean };

/** Pauses between two tries, in ms: doubled each time, and half of each is random. */
const pauses = { firstMs: 100, longestMs: 1_000 };
const findMs = 5_000;

export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions;
  #broker: BrokerAddress | undefined;
  /** Aborted when the group has another coordinator than before. */
  #moved = new AbortController();

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options;
  }

  /**
   * Resolves with the first answer of a broker that coordinates the group. Rejects with why there is none, or why a broker refuses us, or
   * with the reason of the signal.
   */
  async ask<T>(request: KafkaRequest<T>, ask: Ask<T>): Promise<T> {
    const { patienceMs, signal } = ask;
    const never = new AbortController().signal;
    let failingSinceMs: number | undefined;
    for (let tries = 1; ; tries++) {
      const failure = await this.#try(request, ask);
      if ('answer' in failure) return failure.answer;
      signal?.throwIfAborted();
      this.forget();
      failingSinceMs ??= performance.now();
      if (performance.now() - failingSinceMs >= patienceMs) throw failure.error;
      await sleep(retryDelayMs(tries), signal ?? never);
      signal?.throwIfAborted();
    }
  }

  /** Once. Never rejects; deadlines are in ms of `performance.now()`. Nothing is sent any more once the signal is aborted. */
  async askOnce<T>(
    request: KafkaRequest<T>,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<CoordinatorAnswer<T>> {
    try {
      const broker = await this.#find(deadlineMs);
      signal.throwIfAborted();
      return {
        kind: 'answered',
        answer: await this.#options.connections.sendTo(broker, request, deadlineMs),
      };
    } catch (error) {
      this.forget();
      return { kind: 'failed', ...requestFailed(error) };
    }
  }

  /** Whoever asks next looks it up. */
  forget(): void {
    this.#options.topology.forgetCoordinator(this.#options.groupId);
  }

  /** Throws what does not pass. */
  async #try<T>(
    request: KafkaRequest<T>,
    { codeOf, tryMs, onTry, signal }: Ask<T>,
  ): Promise<{ readonly answer: T } | { readonly error: unknown }> {
    try {
      const broker = await this.#find(performance.now() + findMs);
      signal?.throwIfAborted();
      onTry?.();
      const deadlineMs = performance.now() + tryMs + (request.heldMs ?? 0);
      const answer = await this.#unlessMoved(
        this.#options.connections.sendTo(broker, request, deadlineMs),
        request,
        signal,
      );
      const code = codeOf(answer);
      return refusalKindOf(code) === 'passing'
        ? { error: groupError(code, this.#options.groupId) }
        : { answer };
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'MILLRACE_KAFKA_UNREACHABLE') return { error };
      throw error;
    }
  }

  async #find(deadlineMs: number): Promise<BrokerAddress> {
    const { topology, groupId } = this.#options;
    const found = (await topology.coordinators([groupId], deadlineMs)).get(groupId);
    if (found === undefined) throw unreachable(`Kafka's answer has no coordinator of the group ${groupId}`);
    if ('error' in found) throw found.passing ? unreachable(found.error.message) : found.error;
    const { host, port } = this.#broker ?? found;
    if (host !== found.host || port !== found.port) {
      this.#moved.abort();
      this.#moved = new AbortController();
    }
    return (this.#broker = found);
  }

  /** What a broker holds would wait for long, where that is the coordinator no more. */
  async #unlessMoved<T>(
    answer: Promise<T>,
    { lane }: KafkaRequest<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    if (lane !== 'waiting') return answer;
    const { signal: moved } = this.#moved;
    const over = new AbortController();
    const ended = AbortSignal.any([over.signal, moved, ...(signal === undefined ? [] : [signal])]);
    const gone = sleep(undefined, ended).then(() => {
      signal?.throwIfAborted();
      throw unreachable(`the group ${this.#options.groupId} has another coordinator by now`);
    });
    gone.catch(() => undefined);
    try {
      return await Promise.race([answer, gone]);
    } finally {
      over.abort();
      answer.catch(() => undefined);
    }
  }
}

/** `tries`: how many have failed in a row, at least one. */
export function retryDelayMs(tries: number): number {
  const pauseMs = Math.min(pauses.longestMs, pauses.firstMs * 2 ** (tries - 1));
  return pauseMs * (0.5 + Math.random() / 2);
}

function unreachable(message: string): MillraceError {
  return new MillraceError('MILLRACE_KAFKA_UNREACHABLE', message);
}
