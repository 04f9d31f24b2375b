// How seldom, and how carefully, the API server is asked. What it says itself is proved in test/kubernetes/token-reviews.test.ts.
import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import type { Recognizer } from '../../../core/contract/callers.ts';
import { createTokenReviews, type ReviewTimes } from '../../../core/access/token-reviews.ts';
import { callerIn, testRecognizer, type Failing } from '../../fixtures/access/recognizer-conformance.ts';
import { startReviewServer, type ReviewServer } from '../../fixtures/access/review-server.ts';
import { until } from '../../scaler/fixtures/until.ts';

const never: ReviewTimes = {
  freshMs: 3_600_000,
  servedMs: 3_600_000,
  refusedMs: 3_600_000,
  failureMs: 3_600_000,
};
const newToken = (): string => randomBytes(48).toString('base64url');

function recognizerAt(t: Test, { connection }: ReviewServer, times: Partial<ReviewTimes> = {}): Recognizer {
  const recognizer = createTokenReviews({
    connection,
    ownNamespace: 'millrace',
    times: { ...never, ...times },
  });
  t.teardown(() => recognizer.close());
  return recognizer;
}

/** With one token that is alice's, who may do everything. */
async function setUp(t: Test, times: Partial<ReviewTimes> = {}) {
  const server = await startReviewServer(t);
  const token = newToken();
  server.tokens.set(token, { username: 'alice' });
  server.allowed.add('alice');
  return { server, token, recognizer: recognizerAt(t, server, times) };
}

testRecognizer(t, async (t) => {
  const { server, token, recognizer } = await setUp(t);
  const failing: Record<string, Failing> = {};
  const answers: Record<string, (body: string) => { status: number; body: string }> = {
    'repeats the question as its refusal': (body) => ({ status: 400, body }),
    'is not asked with the right to': () => ({ status: 403, body: '{"message":"forbidden"}' }),
    'stops in the middle of what it was asked': (body) => ({ status: 201, body: body.slice(0, -30) }),
    'answers with something else': (body) => ({ status: 200, body: `[${body}]` }),
    'answers with no JSON': () => ({ status: 200, body: 'ok' }),
  };
  const liar = await startReviewServer(t);
  for (const [what, answer] of Object.entries(answers))
    failing[what] = {
      recognizer: recognizerAt(t, liar),
      token: newToken(),
      begin: () => liar.answerInstead(answer),
    };
  const away = await startReviewServer(t);
  await away.connection.close();
  failing['cannot be reached'] = { recognizer: recognizerAt(t, away), token: newToken() };
  const asked = (): number => server.asked.length;
  return { recognizer, token, name: 'alice', rejected: {}, failing, asked, mostAsked: 1 };
});

t.test('what can be no token is not asked about', async (t) => {
  const { server, recognizer } = await setUp(t);
  for (const token of ['', 'a b', 'a\n', 'ä', 'a'.repeat(16_385)])
    t.equal((await recognizer.recognize(token)).kind, 'refused');
  t.equal(server.asked.length, 0);
});

t.test(
  'a token and a right are asked about once while they are fresh, also where they do not hold',
  async (t) => {
    const { server, token, recognizer } = await setUp(t);
    for (let n = 0; n < 3; n += 1) {
      const caller = callerIn(await recognizer.recognize(token));
      t.ok(await caller.may('view', 'geo'));
      t.equal((await recognizer.recognize('nobody-knows')).kind, 'unknown');
    }
    t.equal(server.asked.length, 3);
    const caller = callerIn(await recognizer.recognize(token));
    t.ok(await caller.may('view', 'shop'));
    t.ok(await caller.may('view', undefined));
    t.notOk(await caller.may('view', 'no such/namespace'));
    t.equal(server.asked.length, 5);
  },
);

t.test('nobody waits as it is asked anew, and what was taken back is noticed then', async (t) => {
  const { server, token, recognizer } = await setUp(t, { freshMs: 0, refusedMs: 0 });
  const caller = callerIn(await recognizer.recognize(token));
  t.ok(await caller.may('operate', 'geo'));
  const release = server.hold();
  t.equal(callerIn(await recognizer.recognize(token)), caller);
  t.ok(await caller.may('operate', 'geo'));
  await until(() => server.asked.length === 4);
  server.tokens.delete(token);
  server.allowed.delete('alice');
  release();
  await until(async () => !(await caller.may('operate', 'geo')));
  await until(async () => (await recognizer.recognize(token)).kind === 'unknown');
});

t.test('what is too old to be served is waited for, and not believed while nobody answers', async (t) => {
  const { server, token, recognizer } = await setUp(t, { freshMs: 0, servedMs: 0, failureMs: 0 });
  const caller = callerIn(await recognizer.recognize(token));
  t.ok(await caller.may('view', 'geo'));
  server.answerInstead(() => ({ status: 503, body: '' }));
  await t.rejects(recognizer.recognize(token), { code: 'MILLRACE_ACCESS_UNKNOWN' });
  await t.rejects(caller.may('view', 'geo'), { code: 'MILLRACE_ACCESS_UNKNOWN' });
  server.answerInstead(undefined);
  t.ok(await caller.may('view', 'geo'));
  t.equal((await recognizer.recognize(token)).kind, 'caller');
});

t.test('who has come into other groups has other rights', async (t) => {
  const { server, token, recognizer } = await setUp(t, { freshMs: 0, servedMs: 0 });
  server.tokens.set(token, { username: 'bob', groups: ['geo'] });
  const before = callerIn(await recognizer.recognize(token));
  t.notOk(await before.may('view', 'geo'));
  server.allowed.add('sre');
  server.tokens.set(token, { username: 'bob', groups: ['geo', 'sre'] });
  const after = callerIn(await recognizer.recognize(token));
  t.ok(await after.may('view', 'geo'));
});

t.test('strangers cannot make us flood the API server, nor keep those whom it knows from it', async (t) => {
  const { server, token, recognizer } = await setUp(t, { freshMs: 0, failureMs: 0 });
  const caller = callerIn(await recognizer.recognize(token));
  const before = server.asked.length;
  const release = server.hold();
  const strangers = Array.from({ length: 100 }, () => recognizer.recognize(newToken()));
  const ends = Promise.allSettled(strangers);
  await until(() => server.asked.length >= before + 12);
  const right = caller.may('view', 'geo');
  await until(() => server.asked.length === before + 13);
  release();
  t.ok(await right);
  const kinds = (await ends).map((end) => (end.status === 'fulfilled' ? end.value.kind : end.reason.code));
  t.equal(kinds.filter((kind) => kind === 'unknown').length, 12);
  t.equal(kinds.filter((kind) => kind === 'MILLRACE_ACCESS_UNKNOWN').length, 88);
  t.equal((await recognizer.recognize(newToken())).kind, 'unknown', 'and it is asked again afterwards');
});

t.test('a thousand strangers push out nobody who is known', async (t) => {
  const { server, token, recognizer } = await setUp(t);
  await recognizer.recognize(token);
  for (let n = 0; n < 1_100; n += 10)
    await Promise.all(Array.from({ length: 10 }, () => recognizer.recognize(newToken())));
  const before = server.asked.length;
  t.equal((await recognizer.recognize(token)).kind, 'caller');
  t.equal(server.asked.length, before);
});

t.test('whoever waits is told when it is closed', async (t) => {
  const { server, recognizer } = await setUp(t);
  const release = server.hold();
  const waiting = recognizer.recognize('any');
  const told = t.rejects(waiting, { code: 'MILLRACE_ACCESS_UNKNOWN' });
  await until(() => server.asked.length === 1);
  await recognizer.close();
  await told;
  release();
});
