// How seldom, and with which limits, the API server is asked. Its own answers are tested in test/kubernetes/token-reviews.test.ts.
import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import type { Recognizer } from '../../../core/contract/callers.ts';
import { createTokenReviews, type ReviewTimes } from '../../../core/access/token-reviews.ts';
import { callerIn, testRecognizer, type Failing } from '../../fixtures/access/recognizer-conformance.ts';
import { startReviewServer, type ReviewServer } from '../../fixtures/access/review-server.ts';
import { until } from '../../scaler/fixtures/until.ts';

const never: ReviewTimes = {
  freshMs: 3_600_000,
  maxAgeMs: 3_600_000,
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

/** One token is known: that of alice, who may do everything. */
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

t.test('a text that cannot be a token causes no request', async (t) => {
  const { server, recognizer } = await setUp(t);
  for (const token of ['', 'a b', 'a\n', 'ä', 'a'.repeat(16_385)])
    t.equal((await recognizer.recognize(token)).kind, 'refused');
  t.equal(server.asked.length, 0);
});

t.test('a token and a right cause one request while they are fresh, also if they are refused', async (t) => {
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
});

t.test('nobody waits for a renewal, which notices what was revoked', async (t) => {
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

t.test(
  'an answer beyond its maximum age is waited for, and not used while the API server fails',
  async (t) => {
    const { server, token, recognizer } = await setUp(t, { freshMs: 0, maxAgeMs: 0, failureMs: 0 });
    const caller = callerIn(await recognizer.recognize(token));
    t.ok(await caller.may('view', 'geo'));
    server.answerInstead(() => ({ status: 503, body: '' }));
    await t.rejects(recognizer.recognize(token), { code: 'MILLRACE_ACCESS_UNKNOWN' });
    await t.rejects(caller.may('view', 'geo'), { code: 'MILLRACE_ACCESS_UNKNOWN' });
    server.answerInstead(undefined);
    t.ok(await caller.may('view', 'geo'));
    t.equal((await recognizer.recognize(token)).kind, 'caller');
  },
);

t.test('a user in other groups has other rights', async (t) => {
  const { server, token, recognizer } = await setUp(t, { freshMs: 0, maxAgeMs: 0 });
  server.tokens.set(token, { username: 'bob', groups: ['geo'] });
  const before = callerIn(await recognizer.recognize(token));
  t.notOk(await before.may('view', 'geo'));
  server.allowed.add('sre');
  server.tokens.set(token, { username: 'bob', groups: ['geo', 'sre'] });
  const after = callerIn(await recognizer.recognize(token));
  t.ok(await after.may('view', 'geo'));
});

t.test('unknown tokens can neither flood the API server nor block known callers', async (t) => {
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
  t.equal(
    (await recognizer.recognize(newToken())).kind,
    'unknown',
    'and there are requests again afterwards',
  );
});

t.test('a list over 500 namespaces is answered, and asks nothing again while it is fresh', async (t) => {
  const { server, recognizer } = await setUp(t);
  const token = newToken();
  server.tokens.set(token, { username: 'bob' });
  server.allowedIn.set('bob', new Set(['team-7', 'team-333']));
  const caller = callerIn(await recognizer.recognize(token));
  const namespaces = Array.from({ length: 500 }, (_, index) => `team-${index}`);
  const release = server.hold();
  const all = Promise.all(namespaces.map((namespace) => caller.may('view', namespace)));
  await until(() => server.asked.length === 1 + 16);
  release();
  const answers = await all;
  t.strictSame(
    namespaces.filter((_, index) => answers[index]),
    ['team-7', 'team-333'],
  );
  t.equal(server.asked.length, 501);
  await Promise.all(namespaces.map((namespace) => caller.may('view', namespace)));
  t.equal(server.asked.length, 501);
});

t.test('a thousand unknown tokens evict no known caller', async (t) => {
  const { server, token, recognizer } = await setUp(t);
  await recognizer.recognize(token);
  for (let n = 0; n < 1_100; n += 10)
    await Promise.all(Array.from({ length: 10 }, () => recognizer.recognize(newToken())));
  const before = server.asked.length;
  t.equal((await recognizer.recognize(token)).kind, 'caller');
  t.equal(server.asked.length, before);
});

t.test('closing rejects those who wait', async (t) => {
  const { server, recognizer } = await setUp(t);
  const release = server.hold();
  const waiting = recognizer.recognize('any');
  const rejected = t.rejects(waiting, { code: 'MILLRACE_ACCESS_UNKNOWN' });
  await until(() => server.asked.length === 1);
  await recognizer.close();
  await rejected;
  release();
});
