// What the answer of a function means for its events: status, headers and body → outcome (docs: Functions, "What the answer
// means"). `health-signal.ts` says what the same answer means for the endpoint. Pure.
import type { CloudEvent } from '../../core/contract/event.ts';
import type { AttemptOutcome } from '../../core/contract/settlement.ts';
import { parseRetryAfter } from '../../core/network/retry-after.ts';
import type { AnswerHeaders } from '../http/answer-head.ts';
import { batchFailures, type EventIdentity } from './batch-failures.ts';

export interface Answer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: Buffer;
}

/** Reads an answer as an event. The pipeline passes in `decodeReply` of `events/decode-reply.ts`. */
export type ParseReply = (
  headers: AnswerHeaders,
  body: Buffer,
) =>
  | { readonly kind: 'reply'; readonly event: CloudEvent }
  | { readonly kind: 'none' }
  | { readonly kind: 'invalid'; readonly reason: string };

export interface AnswerContext {
  /** The trigger has a reply topic: an event in a 200 is stored there. Otherwise replies are not read. */
  readonly replyWanted: boolean;
  /** The request carried a token, so a 401 is about the token and not about the event. */
  readonly isAuthenticated: boolean;
  readonly parseReply: ParseReply;
  /** The events of the batch in the content mode `batched`; undefined in the other modes. */
  readonly batch?: readonly EventIdentity[] | undefined;
  readonly nowMs: number;
}

/**
 * The outcome of an attempt that was answered.
 * - 2xx: delivered; in the content mode `batched`, except for its `batchItemFailures`.
 * - 404, 408, 409, 425, 429 and 5xx, and 401 where the request carried a token: retried. `Retry-After` counts on 429 and 503.
 * - Any other status: rejected.
 * - A 200 that claims to be an event and is not a valid one: rejected, because the same code would answer the same again.
 */
export function outcomeByStatus(answer: Answer, context: AnswerContext): AttemptOutcome {
  const { status } = answer;
  if (status >= 200 && status < 300) return delivered(answer, context);
  const reason = `the function answered ${status}`;
  const isRetried = isRetriedClientError(status) || (status === 401 && context.isAuthenticated);
  if (status < 500 && !isRetried) return { kind: 'rejected', reason, status };
  const retryAfterMs =
    status === 429 || status === 503
      ? parseRetryAfter(first(answer.headers['retry-after']), context.nowMs)
      : undefined;
  return { kind: 'retry', reason, status, retryAfterMs };
}

function isRetriedClientError(status: number): boolean {
  return status === 404 || status === 408 || status === 409 || status === 425 || status === 429;
}

function delivered(answer: Answer, context: AnswerContext): AttemptOutcome {
  const { status } = answer;
  let failedIds: ReadonlySet<string> | undefined;
  if (context.batch !== undefined) {
    const failures = batchFailures(first(answer.headers['content-type']), answer.body, context.batch);
    if ('malformed' in failures) return { kind: 'retry', reason: failures.malformed, status };
    if (failures.ids.size > 0) failedIds = failures.ids;
  }
  if (!context.replyWanted || status !== 200) return { kind: 'delivered', status, failedIds };
  const reply = context.parseReply(answer.headers, answer.body);
  switch (reply.kind) {
    case 'reply':
      return { kind: 'delivered', status, reply: reply.event, failedIds };
    case 'none':
      return { kind: 'delivered', status, failedIds };
    case 'invalid':
      return { kind: 'rejected', reason: `the reply is not a valid CloudEvent: ${reply.reason}`, status };
  }
}

function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
