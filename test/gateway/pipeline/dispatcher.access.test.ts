// The credentials in each request to a function, and what happens to records while these are missing or refused.
import t from 'tap';
import type { FunctionAccess, OpenFunctionAccess } from '../../../core/contract/endpoint-source.ts';
import { planted } from '../../fixtures/secrets/planted.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { runPipeline } from './run-pipeline.ts';

const [a, b] = [planted('Bearer a'), planted('Bearer b')];

t.setTimeout(60_000);

const deadLetter = { topic: 'quakes.dead' };
const authentication = { type: 'service-account', serviceAccountName: 'caller', audience: 'alerts' } as const;

/** Provides the credentials that the test sets, and none after a refusal until the test sets others. */
function shownBy(first: Partial<FunctionAccess>) {
  const refused: string[] = [];
  const state: { missing?: string | undefined; authorization?: string | undefined } = { ...first };
  let notify = (): void => undefined;
  const openAccess: OpenFunctionAccess = (_subscription, onChange) => {
    notify = onChange;
    return {
      get missing() {
        return state.missing;
      },
      get tls() {
        return undefined;
      },
      get authorization() {
        return state.authorization;
      },
      refused: (authorization) => {
        refused.push(authorization);
        state.missing = 'another is asked for';
      },
      close: async () => undefined,
    };
  };
  const show = (next: Partial<FunctionAccess>): void => {
    Object.assign(state, next);
    notify();
  };
  return { openAccess, refused, show };
}

t.test('what is not there holds records without an attempt, and wakes nobody', async (t) => {
  const missing = 'the Secret alerts is not there';
  const { openAccess, show } = shownBy({ missing });
  const { kafka, pipeline, seen, wakes } = await runPipeline(t, {
    openAccess,
    delivery: { retry: 0, deadLetter },
    function: { authentication },
  });
  for (let offset = 0; offset < 3; offset += 1) kafka.produce();
  await until(() => pipeline.snapshot().held === 3);
  t.match(pipeline.snapshot(), { missingCredentials: missing, inFlight: 0, readyEndpoints: 1 });
  t.match(seen('held'), [[{}, missing]]);
  show({ missing: undefined, authorization: a });
  await until(() => kafka.isDone());
  t.ok(seen('settled').every(([, , kind, attempts]) => kind === 'delivered' && attempts === 1));
  t.match(pipeline.snapshot(), { missingCredentials: '', held: 0 });
  t.strictSame([wakes, seen('held').length, seen('released').length], [[], 1, 1]);
});

t.test('the token goes with each request exactly once, whatever records say', async (t) => {
  for (const contentMode of ['binary', 'structured', 'batched'] as const) {
    const { openAccess, show } = shownBy({ authorization: a });
    const { kafka, fn } = await runPipeline(t, { openAccess, function: { authentication, contentMode } });
    const headers = ['authorization', 'Authorization', 'ce_authorization'].map((name) => {
      return { name, value: Buffer.from(planted('Bearer forged')) };
    });
    kafka.produce({ headers });
    await until(() => fn.calls.length === 1);
    show({ authorization: b });
    kafka.produce({ headers });
    await until(() => kafka.isDone());
    t.strictSame(
      fn.calls.map(({ authorizations }) => authorizations),
      [[a], [b]],
      contentMode,
    );
  }
});

t.test('a 401 reports the token as refused, and the record is retried by the retry policy', async (t) => {
  const { openAccess, refused, show } = shownBy({ authorization: a });
  const { kafka, fn, seen } = await runPipeline(t, {
    openAccess,
    function: { authentication },
    delivery: { retry: 1, deadLetter },
    answer: ({ authorizations }) => (authorizations[0] === b ? 204 : 401),
  });
  kafka.produce();
  await until(() => refused.length > 0);
  t.equal(fn.calls.length, 1);
  show({ missing: undefined, authorization: b });
  await until(() => kafka.isDone());
  t.match(seen('settled'), [[{}, {}, 'delivered', 2]]);
  t.strictSame(refused, [a]);
  fn.answer(401);
  kafka.produce();
  await until(() => refused.length === 2);
  show({ missing: undefined });
  await until(() => kafka.isDone());
  t.match(seen('deadLettered'), [[{}, {}, { reason: 'exhausted', status: 401, attempts: 2 }]]);
});

t.test('without a token a 401 is the function’s last word', async (t) => {
  const { kafka, seen } = await runPipeline(t, { delivery: { deadLetter }, answer: 401 });
  kafka.produce();
  await until(() => kafka.isDone());
  t.match(seen('deadLettered'), [[{}, {}, { reason: 'rejected', status: 401, attempts: 1 }]]);
});
