import { brotliCompressSync, gzipSync } from 'node:zlib';
import t from 'tap';
import type { CloudEvent } from '../../../core/contract/event.ts';
import type { Subscription } from '../../../core/contract/subscription.ts';
import { createOutcomeOf, maxAnswerBytes } from '../../../gateway/delivery/attempt-outcome.ts';
import type { AttemptResult } from '../../../gateway/delivery/attempt.ts';
import { decodeReply } from '../../../gateway/events/decode-reply.ts';
import { eventOf } from '../events/build.ts';
import { quickSubscription } from '../pipeline/run-pipeline.ts';

const events: readonly CloudEvent[] = [
  eventOf({ id: 'a', source: '/one' }),
  eventOf({ id: 'b', source: '/two' }),
];
const plain = quickSubscription();
const batched = quickSubscription({ function: { contentMode: 'batched' } });
const replying = quickSubscription({ trigger: { reply: { topic: 'notices', transactional: false } } });
const failures = JSON.stringify({ batchItemFailures: [{ itemIdentifier: 'a' }] });
const reply = { 'ce-specversion': '1.0', 'ce-id': 'r', 'ce-source': '/fn', 'ce-type': 'notice' };

const outcomeOf = (subscription: Subscription, result: AttemptResult) =>
  createOutcomeOf(subscription, decodeReply)(result, events);
const answered = (
  change: Partial<AttemptResult & { kind: 'answered' }> = {},
): AttemptResult & { kind: 'answered' } => ({
  kind: 'answered',
  status: 200,
  headers: {},
  body: undefined,
  ...change,
});

t.test('what was not sent is no attempt; what was sent and not answered is retried', async (t) => {
  const unreachable = { kind: 'unreachable', reason: 'EPERM: not permitted', code: 'EPERM' } as const;
  t.strictSame(outcomeOf(plain, unreachable), unreachable);
  t.strictSame(outcomeOf(batched, { kind: 'failed', reason: 'ECONNRESET: gone' }), {
    kind: 'retry',
    reason: 'ECONNRESET: gone',
  });
});

t.test('the status of an answer whose body broke off stands, unless the body counts', async (t) => {
  const cut = 'ECONNRESET: gone';
  t.match(outcomeOf(plain, answered({ cut })), { kind: 'delivered', status: 200 });
  t.match(outcomeOf(plain, answered({ status: 422, cut })), { kind: 'rejected', status: 422 });
  t.match(outcomeOf(batched, answered({ status: 503, cut })), {
    kind: 'retry',
    reason: 'the function answered 503',
  });
  t.match(outcomeOf(replying, answered({ status: 202, cut })), { kind: 'delivered', status: 202 });
  for (const subscription of [batched, replying])
    t.strictSame(outcomeOf(subscription, answered({ cut })), {
      kind: 'retry',
      reason: `the answer broke off: ${cut}`,
      status: 200,
    });
});

t.test('a compressed answer means what it means', async (t) => {
  const gzip = { 'content-encoding': 'gzip' };
  t.match(outcomeOf(batched, answered({ headers: gzip, body: gzipSync(failures) })), {
    failedIds: new Set(['a']),
  });
  const found = outcomeOf(
    replying,
    answered({ headers: { ...reply, 'content-encoding': 'br' }, body: brotliCompressSync('hi') }),
  );
  t.match(found, { kind: 'delivered', reply: { id: 'r', data: Buffer.from('hi') } });
});

t.test('an answer that cannot be read is never success where it counts', async (t) => {
  const unreadable = [
    [
      answered({ headers: { 'content-encoding': 'rot13' }, body: Buffer.from('x') }),
      /content-encoding "rot13" is not known/,
    ],
    [
      answered({ headers: { 'content-encoding': 'gzip' }, body: Buffer.from('x') }),
      /its content is not gzip/,
    ],
    [answered({ body: Buffer.alloc(maxAnswerBytes + 1) }), /is larger than 1048576 bytes/],
    [
      answered({ headers: { 'content-encoding': 'gzip' }, body: gzipSync(Buffer.alloc(maxAnswerBytes + 1)) }),
      /is larger than 1048576 bytes/,
    ],
  ] as const;
  for (const [result, reason] of unreadable) {
    t.match(outcomeOf(batched, result), { kind: 'retry', status: 200, reason });
    t.match(outcomeOf(replying, result), { kind: 'delivered', reply: undefined }, 'it claims to be no event');
    const claims = { ...result, headers: { ...reply, ...result.headers } };
    t.match(outcomeOf(replying, claims), { kind: 'rejected', reason });
    t.match(outcomeOf(plain, result), { kind: 'delivered' }, 'nobody reads it');
  }
});

t.test('an item of a batch is named by its id, or with its source', async (t) => {
  const named = (itemIdentifier: unknown) =>
    outcomeOf(
      batched,
      answered({ body: Buffer.from(JSON.stringify({ batchItemFailures: [{ itemIdentifier }] })) }),
    );
  t.match(named('b'), { kind: 'delivered', failedIds: new Set(['b']) });
  t.match(named({ source: '/two', id: 'b' }), { kind: 'delivered', failedIds: new Set(['b']) });
  t.match(named({ source: '/one', id: 'b' }), { kind: 'retry' });
});
