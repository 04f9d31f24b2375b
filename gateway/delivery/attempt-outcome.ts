// Turns the result of an attempt into the outcome for its events, under the settings of the trigger.
// `outcome-by-status.ts` reads the answer itself.
import type { CloudEvent } from '../../core/contract/event.ts';
import type { AttemptOutcome } from '../../core/contract/settlement.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { AttemptResult } from './attempt.ts';
import { outcomeByStatus, type ParseReply } from './outcome-by-status.ts';

/** Where the content of an answer counts, it is read up to this size: Kafka's default limit for a record. */
export const maxAnswerBytes = 1 << 20;

const noBody = Buffer.alloc(0);

export type OutcomeOf = (result: AttemptResult, events: readonly CloudEvent[]) => AttemptOutcome;

export function createOutcomeOf(subscription: Subscription, decodeReply: ParseReply): OutcomeOf {
  const isBatched = subscription.function.contentMode === 'batched';
  const replyWanted = subscription.reply !== undefined;
  const isAuthenticated = subscription.function.authentication !== undefined;
  const refuseCutReply: ParseReply = (headers) =>
    decodeReply(headers, noBody).kind === 'none'
      ? { kind: 'none' }
      : { kind: 'invalid', reason: `it is larger than ${maxAnswerBytes} bytes` };
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
    return outcomeByStatus(
      { status, headers, body },
      { replyWanted, isAuthenticated, parseReply, batchIds, nowMs: Date.now() },
    );
  };
}
