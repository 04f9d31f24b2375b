// Turns the result of an attempt into the outcome for its events, under the settings of the trigger.
// `outcome-by-status.ts` reads the answer itself.
//
//   unreachable                nothing was sent: no attempt
//   failed                     the request was sent, and nobody knows what became of it: retried
//   answered, cut              the status stands; where a body would count that is not there, retried
//   answered                   by status, and by the body where it counts
import type { CloudEvent } from '../../core/contract/event.ts';
import type { AttemptOutcome } from '../../core/contract/settlement.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { decodeContent } from '../http/decode-content.ts';
import type { AttemptResult } from './attempt.ts';
import { outcomeByStatus, type ParseReply } from './outcome-by-status.ts';

/** Where the content of an answer counts, it is read up to this size, as it comes and decoded: Kafka's default limit for a record. */
export const maxAnswerBytes = 1 << 20;

const noBody = Buffer.alloc(0);

export type OutcomeOf = (result: AttemptResult, events: readonly CloudEvent[]) => AttemptOutcome;

export function createOutcomeOf(subscription: Subscription, decodeReply: ParseReply): OutcomeOf {
  const isBatched = subscription.function.contentMode === 'batched';
  const replyWanted = subscription.reply !== undefined;
  const isAuthenticated = subscription.function.authentication !== undefined;
  return (result, events) => {
    if (result.kind === 'unreachable') return result;
    if (result.kind === 'failed') return { kind: 'retry', reason: result.reason };
    const { status, headers, cut } = result;
    const isRead = status >= 200 && status < 300 && (isBatched || (replyWanted && status === 200));
    if (isRead && cut !== undefined) return { kind: 'retry', reason: `the answer broke off: ${cut}`, status };
    const content = isRead ? contentOf(result) : { body: noBody };
    if ('unreadable' in content && isBatched)
      return { kind: 'retry', reason: `the answer cannot be read: ${content.unreadable}`, status };
    const isUnreadable = 'unreadable' in content;
    return outcomeByStatus(
      { status, headers, body: isUnreadable ? noBody : content.body },
      {
        replyWanted,
        isAuthenticated,
        parseReply: isUnreadable ? refuseReply(decodeReply, content.unreadable) : decodeReply,
        batch: isBatched ? events : undefined,
        nowMs: Date.now(),
      },
    );
  };
}

function contentOf({
  headers,
  body = noBody,
}: AttemptResult & { kind: 'answered' }): { body: Buffer } | { unreadable: string } {
  if (body.length > maxAnswerBytes) return { unreadable: `it is larger than ${maxAnswerBytes} bytes` };
  return decodeContent(headers['content-encoding'], body, maxAnswerBytes);
}

/** What claims to be an event, by its headers, and has a body that cannot be read is an invalid one. */
function refuseReply(decodeReply: ParseReply, reason: string): ParseReply {
  return (headers) =>
    decodeReply(headers, noBody).kind === 'none' ? { kind: 'none' } : { kind: 'invalid', reason };
}
