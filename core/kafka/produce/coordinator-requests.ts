// Requests to a coordinator, of a group or of a transactional id: it is found, found anew where it has moved, and asked again while it is not ready.
import type { Connections } from '../connection/broker-connections.ts';
import type { Topology } from '../connection/topology.ts';
import type { CoordinatorKind, KafkaRequest } from '../protocol/wire-requests.ts';
import { answerFailure } from './answer-failure.ts';

export interface Coordinator {
  readonly connections: Connections;
  readonly topology: Topology;
  readonly kind: CoordinatorKind;
  /** Of the group, or the transactional id. */
  readonly name: string;
}

/** What passes, and must not be told as a failure: nothing was done. */
const passing = [
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'CONCURRENT_TRANSACTIONS',
];
/** Pauses between two tries, in ms. */
const pauseMs = { first: 2, longest: 50 };

/**
 * `codeOf`: the first error code of an answer, or 0; `what`: `begin a transaction`. Rejects with an AnswerFailure where the coordinator refuses, and
 * otherwise where it is not known whether it has done it.
 */
export async function askCoordinator<T>(
  { connections, topology, kind, name }: Coordinator,
  request: KafkaRequest<T>,
  { codeOf, what, limitMs }: { codeOf: (answer: T) => number; what: string; limitMs: number },
): Promise<T> {
  const deadlineMs = performance.now() + limitMs;
  for (let delayMs = pauseMs.first; ; delayMs = Math.min(delayMs * 2, pauseMs.longest)) {
    const found = (await topology.coordinators([name], deadlineMs, kind)).get(name);
    if (found === undefined) throw new Error(`Kafka names no coordinator of ${kind} ${name}`);
    const mayRepeat = performance.now() + delayMs < deadlineMs;
    if (!('error' in found)) {
      const answer = await connections.sendTo(found, request, deadlineMs).catch((error: unknown) => {
        topology.forgetCoordinator(name, kind);
        throw error;
      });
      const failure = answerFailure(codeOf(answer), what);
      if (failure === undefined) return answer;
      if (failure.type !== 'CONCURRENT_TRANSACTIONS') topology.forgetCoordinator(name, kind);
      if (!passing.includes(failure.type) || !mayRepeat) throw failure;
    } else if (!found.passing || !mayRepeat) throw found.error;
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
}
