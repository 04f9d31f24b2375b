import fc from 'fast-check';
import t from 'tap';
import type { CloudEvent } from '../../../core/contract/event.ts';
import { outcomeByStatus, type AnswerContext } from '../../../gateway/delivery/outcome-by-status.ts';
import type { AnswerHeaders } from '../../../gateway/http/answer-head.ts';

const event: CloudEvent = { id: '1', source: 's', type: 't', extensions: {}, data: null };
const context: AnswerContext = {
  replyWanted: false,
  isAuthenticated: false,
  parseReply: () => ({ kind: 'none' }),
  nowMs: Date.parse('2024-05-06T07:08:09Z'),
};

function classify(
  status: number,
  change: Partial<AnswerContext> = {},
  body = '',
  headers: AnswerHeaders = {},
) {
  return outcomeByStatus({ status, headers, body: Buffer.from(body) }, { ...context, ...change });
}

t.test('a 401 is about the token where one was shown, and else about the event', async (t) => {
  t.match(classify(401, { isAuthenticated: true }), { kind: 'retry', status: 401 });
  t.match(classify(403, { isAuthenticated: true }), { kind: 'rejected' });
  t.match(classify(401), { kind: 'rejected' });
});

t.test('statuses', (t) => {
  const kinds: Record<string, number[]> = {
    delivered: [200, 201, 202, 204, 299],
    retry: [404, 408, 409, 425, 429, 500, 502, 503, 504, 599, 600],
    rejected: [100, 199, 300, 301, 304, 307, 400, 401, 403, 405, 410, 413, 422, 426, 428, 431, 451, 499],
  };
  for (const [kind, statuses] of Object.entries(kinds)) {
    for (const status of statuses) t.match(classify(status), { kind, status }, String(status));
  }
  t.strictSame(classify(400), { kind: 'rejected', reason: 'the function answered 400', status: 400 });
  fc.assert(fc.property(fc.integer({ min: 100, max: 599 }), (status) => 'status' in classify(status)));
  t.end();
});

t.test('Retry-After counts on 429 and 503', (t) => {
  const cases: [status: number, header: string | string[], retryAfterMs: number | undefined][] = [
    [429, '2', 2_000],
    [503, '2', 2_000],
    [503, ['3', '4'], 3_000],
    [503, [], undefined],
    [503, 'Mon, 06 May 2024 07:08:19 GMT', 10_000],
    [503, 'soon', undefined],
    [500, '2', undefined],
    [404, '2', undefined],
  ];
  for (const [status, header, retryAfterMs] of cases) {
    t.strictSame(classify(status, {}, '', { 'retry-after': header }), {
      kind: 'retry',
      reason: `the function answered ${status}`,
      status,
      retryAfterMs,
    });
  }
  t.end();
});

t.test('replies', (t) => {
  const parseReply = () => ({ kind: 'reply', event }) as const;
  const invalid = () => ({ kind: 'invalid', reason: 'the attribute id is missing' }) as const;
  const none = { kind: 'delivered', status: 200, failedIds: undefined };
  t.strictSame(classify(200, { replyWanted: true, parseReply }), { ...none, reply: event });
  t.strictSame(classify(200, { replyWanted: true }, 'OK'), none);
  t.strictSame(classify(200, { parseReply }), none, 'not wanted');
  t.strictSame(classify(202, { replyWanted: true, parseReply }), { ...none, status: 202 }, 'not in a 200');
  t.strictSame(classify(200, { replyWanted: true, parseReply: invalid }), {
    kind: 'rejected',
    reason: 'the reply is not a valid CloudEvent: the attribute id is missing',
    status: 200,
  });
  t.strictSame(classify(200, { parseReply: invalid }), none, 'not wanted, not looked at');
  t.end();
});

t.test('what a batch answer names has failed, and all of it where nobody can say what that is', (t) => {
  const batch = [
    { id: 'a', source: '/one' },
    { id: 'b', source: '/two' },
  ];
  const naming = (id: string) => JSON.stringify({ batchItemFailures: [{ itemIdentifier: id }] });
  t.match(classify(207, { batch }, naming('a')), { kind: 'delivered', failedIds: new Set(['a']) });
  t.strictSame(classify(200, { batch }, 'OK'), { kind: 'delivered', status: 200, failedIds: undefined });
  t.match(classify(200, { batch }, naming('c')), {
    kind: 'retry',
    status: 200,
    reason: /do not match the batch/,
  });
  t.match(classify(200, { batch }, 'no', { 'content-type': ['application/json'] }), {
    kind: 'retry',
    reason: /parsed/,
  });
  t.match(classify(500, { batch }, naming('a')), { kind: 'retry', reason: 'the function answered 500' });
  t.match(classify(200, {}, naming('a')), { kind: 'delivered', failedIds: undefined }, 'no batch');
  const parseReply = () => ({ kind: 'reply', event }) as const;
  t.strictSame(classify(200, { batch, replyWanted: true, parseReply }, naming('b')), {
    kind: 'delivered',
    status: 200,
    reply: event,
    failedIds: new Set(['b']),
  });
  t.end();
});
