// What a function's answer means (docs: Functions, "What the answer means"): status, headers and body →
// outcome. Pure.
import type { CloudEvent } from '../../core/contract/event.ts';
import type { AttemptOutcome } from '../../core/contract/settlement.ts';
import { parseRetryAfter } from './retry-after.ts';

/** Headers have lower-case names, as undici and Node give them. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Answer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: Buffer;
}

/** How a body is read as an event; `decode-reply.ts` is it, the pipeline passes it in. */
export type ParseReply = (
  headers: AnswerHeaders,
  body: Buffer,
) =>
  | { readonly kind: 'reply'; readonly event: CloudEvent }
  | { readonly kind: 'none' }
  | { readonly kind: 'invalid'; readonly reason: string };

export interface AnswerContext {
  /** The trigger has a reply topic: an event in a 200 is kept. Otherwise bodies are not looked at. */
  readonly replyWanted: boolean;
  /** A token went with the request: a 401 is about it, and not about the event. */
  readonly isAuthenticated: boolean;
  readonly parseReply: ParseReply;
  /** The ids of the events in the batch, in the content mode `batched`; undefined in the others. */
  readonly batchIds?: ReadonlySet<string> | undefined;
  readonly nowMs: number;
}

/**
 * The outcome of an attempt that was answered. 2xx is delivered, in the content mode `batched` less its
 * `batchItemFailures`; 404, 408, 409, 425, 429 and 5xx are tried again (`Retry-After` counts on 429 and 503),
 * and 401 where a token was shown; all else is rejected. A 200 that calls itself an event and is none is rejected too: the same code would
 * answer the same again.
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
  if (context.batchIds !== undefined) {
    const failures = batchFailures(answer.body, context.batchIds);
    if (failures === 'malformed') {
      return {
        kind: 'retry',
        reason: 'the function answered batchItemFailures that do not fit the batch',
        status,
      };
    }
    failedIds = failures;
  }
  if (!context.replyWanted || status !== 200) return { kind: 'delivered', status, failedIds };
  const reply = context.parseReply(answer.headers, answer.body);
  switch (reply.kind) {
    case 'reply':
      return { kind: 'delivered', status, reply: reply.event, failedIds };
    case 'none':
      return { kind: 'delivered', status, failedIds };
    case 'invalid':
      return { kind: 'rejected', reason: `the reply is no CloudEvent: ${reply.reason}`, status };
  }
}

/**
 * The ids that a batch answer reports as failed; undefined for none. The rules are AWS Lambda's for
 * `batchItemFailures`: a null or empty list is success; a list that is malformed, or names an id that is not
 * in the batch, fails the batch. A body that does not speak of `batchItemFailures` at all is no failure list,
 * whatever it is.
 */
function batchFailures(
  body: Buffer,
  batchIds: ReadonlySet<string>,
): ReadonlySet<string> | 'malformed' | undefined {
  if (!body.includes('"batchItemFailures"')) return undefined;
  let failures: unknown;
  try {
    failures = (JSON.parse(body.toString('utf8')) as { batchItemFailures?: unknown } | null)
      ?.batchItemFailures;
  } catch {
    return 'malformed';
  }
  if (failures === undefined || failures === null) return undefined;
  if (!Array.isArray(failures)) return 'malformed';
  const ids = new Set<string>();
  for (const failure of failures as readonly ({ itemIdentifier?: unknown } | null)[]) {
    const id = failure?.itemIdentifier;
    if (typeof id !== 'string' || !batchIds.has(id)) return 'malformed';
    ids.add(id);
  }
  return ids.size === 0 ? undefined : ids;
}

function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
