// In any interleaving of calls and answers: one request at a time, none too early, and no token that is not valid.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate as nextIteration } from 'node:timers/promises';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { createOauthTokens } from '../../../core/credentials/oauth-tokens.ts';
import {
  raw,
  startTokenEndpoint,
  token,
  type Answer,
  type TokenEndpoint,
} from './fixtures/token-endpoint.ts';

type Step =
  | { readonly kind: 'ask' }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'give'; readonly seconds: number }
  | { readonly kind: 'fail' }
  | { readonly kind: 'become'; readonly clientId: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.constant({ kind: 'ask' as const }), weight: 3 },
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 60_000 }) }),
  fc.record({ kind: fc.constant('give' as const), seconds: fc.integer({ min: 1, max: 100 }) }),
  fc.constant({ kind: 'fail' as const }),
  fc.record({ kind: fc.constant('become' as const), clientId: fc.constantFrom('a', 'b') }),
);

/** The time between two changes of credentials, and what must hold in it. */
interface Period {
  readonly clientId: string;
  token?: { readonly value: string; readonly freshUntilMs: number; readonly validUntilMs: number };
  failures: number;
  silentUntilMs: number;
}

interface Request {
  readonly period: Period;
  readonly askedAtMs: number;
  readonly answer: (answer: Answer) => void;
}

class Run {
  readonly #t: Test;
  readonly #endpoint: TokenEndpoint;
  readonly #issued = new Map<string, Period>();
  readonly #open: Request[] = [];
  readonly #asked: Promise<unknown>[] = [];
  readonly #tokens;
  #clientId = 'a';
  #period: Period = { clientId: 'a', failures: 0, silentUntilMs: 0 };
  #nowMs = 1_000_000_000;
  #created = 0;
  #onAnswered: () => void = () => undefined;

  constructor(t: Test, endpoint: TokenEndpoint) {
    this.#t = t;
    this.#endpoint = endpoint;
    this.#tokens = createOauthTokens({
      credentials: () => ({
        mechanism: 'oauthbearer',
        tokenEndpoint: endpoint.url,
        clientId: this.#clientId,
        clientSecret: 's',
      }),
      now: () => this.#nowMs,
      random: () => 1,
    });
  }

  async take(steps: readonly Step[]): Promise<void> {
    const count = (): void => void (this.#created += 1);
    const answered = (): void => this.#onAnswered();
    subscribe('undici:request:create', count);
    subscribe('undici:request:trailers', answered);
    try {
      for (const step of steps) await this.#take(step);
      while (this.#open.length > 0) await this.#answer(undefined);
      await Promise.all(this.#asked);
    } finally {
      unsubscribe('undici:request:create', count);
      unsubscribe('undici:request:trailers', answered);
      await this.#tokens.close();
    }
  }

  async #take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'ask':
        return this.#ask();
      case 'pass':
        this.#nowMs += step.ms;
        return;
      case 'give':
        return this.#answer(step.seconds);
      case 'fail':
        return this.#answer(undefined);
      case 'become':
        this.#clientId = step.clientId;
    }
  }

  async #ask(): Promise<void> {
    if (this.#clientId !== this.#period.clientId)
      this.#period = { clientId: this.#clientId, failures: 0, silentUntilMs: 0 };
    const [period, nowMs] = [this.#period, this.#nowMs];
    const { token: old } = period;
    const isValid = old !== undefined && nowMs < old.validUntilMs;
    const before = this.#created;
    const arrival = Promise.withResolvers<undefined>();
    this.#endpoint.answer = (response, request) => {
      const answer = (with_: Answer): void => with_(response, request);
      this.#open.push({ period, askedAtMs: nowMs, answer });
      arrival.resolve(undefined);
    };
    const asked = this.#tokens.token();
    this.#asked.push(
      asked.then(
        ({ value }) => {
          this.#t.equal(this.#issued.get(value), period, 'a token of the client that asked');
          if (!isValid) this.#t.not(value, old?.value, 'and none that had expired');
        },
        () => this.#t.notOk(isValid, 'a valid token is used on'),
      ),
    );
    if (this.#created === before) return;
    await arrival.promise;
    this.#t.notOk(old !== undefined && nowMs < old.freshUntilMs, 'nobody renews a fresh token');
    this.#t.ok(nowMs >= period.silentUntilMs, 'nobody asks again too early');
    this.#t.equal(this.#open.filter((request) => request.period === period).length, 1, 'one at a time');
  }

  /** Answers the oldest request that waits: with a token for so many seconds, or if undefined with a failure. */
  async #answer(seconds: number | undefined): Promise<void> {
    const request = this.#open.shift();
    if (request === undefined) return;
    const { period, askedAtMs, answer } = request;
    const value = `token-${this.#issued.size}`;
    const done = new Promise<void>((resolve) => (this.#onAnswered = resolve));
    if (seconds === undefined) {
      period.failures += 1;
      period.silentUntilMs = this.#nowMs + Math.min(30_000, 500 * 2 ** (period.failures - 1));
      answer(raw(503, ''));
    } else {
      const lifetimeMs = seconds * 1_000;
      const [fifth, half] = [lifetimeMs / 5, lifetimeMs / 2];
      const marginMs = Math.min(10_000, Math.max(3_000, lifetimeMs * 0.05), half);
      const leftMs = Math.max(fifth, Math.min(20_000, half));
      const [validUntilMs, freshUntilMs] = [marginMs, leftMs].map((ms) => askedAtMs + lifetimeMs - ms);
      period.token = { value, freshUntilMs: freshUntilMs ?? 0, validUntilMs: validUntilMs ?? 0 };
      [period.failures, period.silentUntilMs] = [0, 0];
      this.#issued.set(value, period);
      answer(token(value, { expires_in: seconds }));
    }
    await done;
    // The client reads the end of the body in this iteration of the event loop.
    await nextIteration();
  }
}

t.test('tokens in any interleaving', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const run = (steps: readonly Step[]) => new Run(t, endpoint).take(steps);
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), run), { numRuns: 100 });
});
