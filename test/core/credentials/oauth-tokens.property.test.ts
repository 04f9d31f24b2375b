// Whoever asks, whenever, and however the provider answers: one request at a time, none too early, and no token that is not good.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate as turn } from 'node:timers/promises';
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

/** All that is asked for between two changes of credentials, and what must be true of it. */
interface Reign {
  readonly clientId: string;
  held?: { readonly value: string; readonly freshUntilMs: number; readonly holdsUntilMs: number };
  failures: number;
  silentUntilMs: number;
}

interface Request {
  readonly reign: Reign;
  readonly askedAtMs: number;
  readonly answer: (answer: Answer) => void;
}

class Run {
  readonly #t: Test;
  readonly #endpoint: TokenEndpoint;
  readonly #issued = new Map<string, Reign>();
  readonly #open: Request[] = [];
  readonly #asked: Promise<unknown>[] = [];
  readonly #tokens;
  #clientId = 'a';
  #reign: Reign = { clientId: 'a', failures: 0, silentUntilMs: 0 };
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
    if (this.#clientId !== this.#reign.clientId)
      this.#reign = { clientId: this.#clientId, failures: 0, silentUntilMs: 0 };
    const [reign, nowMs] = [this.#reign, this.#nowMs];
    const { held } = reign;
    const isHeld = held !== undefined && nowMs < held.holdsUntilMs;
    const before = this.#created;
    const arrival = Promise.withResolvers<undefined>();
    this.#endpoint.answer = (response, request) => {
      const answer = (with_: Answer): void => with_(response, request);
      this.#open.push({ reign, askedAtMs: nowMs, answer });
      arrival.resolve(undefined);
    };
    const asked = this.#tokens.token();
    this.#asked.push(
      asked.then(
        ({ value }) => {
          this.#t.equal(this.#issued.get(value), reign, 'a token for who asked');
          if (!isHeld) this.#t.not(value, held?.value, 'and none that lapsed before');
        },
        () => this.#t.notOk(isHeld, 'a token that holds serves on'),
      ),
    );
    if (this.#created === before) return;
    await arrival.promise;
    this.#t.notOk(held !== undefined && nowMs < held.freshUntilMs, 'nobody renews a fresh token');
    this.#t.ok(nowMs >= reign.silentUntilMs, 'nobody asks again too early');
    this.#t.equal(this.#open.filter((request) => request.reign === reign).length, 1, 'one at a time');
  }

  /** The oldest request that waits, by a token for so many seconds; undefined: by a failure. */
  async #answer(seconds: number | undefined): Promise<void> {
    const request = this.#open.shift();
    if (request === undefined) return;
    const { reign, askedAtMs, answer } = request;
    const value = `token-${this.#issued.size}`;
    const done = new Promise<void>((resolve) => (this.#onAnswered = resolve));
    if (seconds === undefined) {
      reign.failures += 1;
      reign.silentUntilMs = this.#nowMs + Math.min(30_000, 500 * 2 ** (reign.failures - 1));
      answer(raw(503, ''));
    } else {
      const lifetimeMs = seconds * 1_000;
      const [fifth, half] = [lifetimeMs / 5, lifetimeMs / 2];
      const marginMs = Math.min(10_000, Math.max(3_000, lifetimeMs * 0.05), half);
      const leftMs = Math.max(fifth, Math.min(20_000, half));
      const [holdsUntilMs, freshUntilMs] = [marginMs, leftMs].map((ms) => askedAtMs + lifetimeMs - ms);
      reign.held = { value, freshUntilMs: freshUntilMs ?? 0, holdsUntilMs: holdsUntilMs ?? 0 };
      [reign.failures, reign.silentUntilMs] = [0, 0];
      this.#issued.set(value, reign);
      answer(token(value, { expires_in: seconds }));
    }
    await done;
    // The client reads the end of the body in this turn.
    await turn();
  }
}

t.test('tokens in any interleaving', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const run = (steps: readonly Step[]) => new Run(t, endpoint).take(steps);
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), run), { numRuns: 100 });
});
