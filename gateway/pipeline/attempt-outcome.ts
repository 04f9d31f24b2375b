// What the result of a request means for its events: the answer's table, with the trigger's settings put in.
import type { CloudEvent } from '../../core/contract/event.ts';
import type { AttemptOutcome } from '../../core/contract/settlement.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { classifyAnswer, type ParseReply } from '../delivery/classify-answer.ts';
import type { AttemptResult } from '../delivery/attempt.ts';
import { decodeReply } from '../events/decode-reply.ts';

/** Answers are read up to this size where something in them counts: as large as Kafka's records may be, by default. */
export const maxAnswerBytes = 1 << 20;

const noBody = Buffer.alloc(0);

export type OutcomeOf = (result: AttemptResult, events: readonly CloudEvent[]) => AttemptOutcome;

export function createOutcomeOf(subscription: Subscription): OutcomeOf {
  const isBatched = subscription.function.contentMode === 'batched';
  const replyWanted = subscription.reply !== undefined;
  const isAuthenticated = subscription.function.authentication !== undefined;
  return (result, events) => {
    if (result.kind === 'unreachable') return result;
    if (result.kind === 'failed') return { kind: 'retry', reason: result.reason };
    const { status, headers, body = noBody } = result;
    const isCut = body.length > maxAnswerBytes;
    if (isCut && isBatched) {
      return { kind: 'retry', reason: `the answer is larger than ${maxAnswerBytes} bytes`, status };
    }
    const batchIds = isBatched ? new Set(events.map(({ id }) => id)) : undefined;
    const parseReply = isCut ? refuseCutReply : decodeReply;
    return classifyAnswer(
      { status, headers, body },
      { replyWanted, isAuthenticated, parseReply, batchIds, nowMs: Date.now() },
    );
  };
}

const refuseCutReply: ParseReply = (headers) =>
  decodeReply(headers, noBody).kind === 'none'
    ? { kind: 'none' }
    : { kind: 'invalid', reason: `it is larger than ${maxAnswerBytes} bytes` };
