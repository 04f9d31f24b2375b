// Who shows a token, and what they may do, by the API server: a TokenReview for each token, a SubjectAccessReview for each right that is asked for.
// Its answers are kept for seconds, under digests: nobody who comes again waits for it, and a token or a right that it has taken back is gone
// here 60 s later at most.
import { createHash } from 'node:crypto';
import { auditName, isPresentable, withoutToken } from './bearer-token.ts';
import type { Caller, Recognition, Recognizer } from '../contract/callers.ts';
import { MillraceError } from '../contract/errors.ts';
import { subjectAccessReviewKind, tokenReviewKind } from '../resources/kinds.ts';
import type { Connection } from '../kubernetes/api-connection.ts';
import { CachedReviews, type CacheRules } from './cached-reviews.ts';
import { Requests } from '../kubernetes/api-requests.ts';
import {
  accessReview,
  attributesOf,
  audienceFor,
  readAccessReview,
  readTokenReview,
  tokenReview,
  type Attributes,
  type Identity,
} from './access-reviews.ts';

export interface TokenReviewsOptions {
  /** Stays the caller's to close, after the recognizer. */
  readonly connection: Connection;
  /** In which `activate` is a right: that of the installation. */
  readonly ownNamespace: string;
  /** Of tokens that are made for us. Those for the API server itself are taken too. */
  readonly audience?: string;
  readonly times?: Partial<ReviewTimes>;
}

export interface ReviewTimes {
  /** So long what was allowed is not asked again. */
  readonly freshMs: number;
  /** The longest that it is served, while it is asked again. */
  readonly servedMs: number;
  /** So long what was not allowed is not asked again. */
  readonly refusedMs: number;
  /** So long nothing is asked again that was not answered. */
  readonly failureMs: number;
}

const usualTimes: ReviewTimes = { freshMs: 10_000, servedMs: 60_000, refusedMs: 5_000, failureMs: 1_000 };
const mostTokens = 1_000;
const mostAnswersOfCaller = 100;
/** Nobody is to make us flood the API server. */
const mostOpenReviews = 16;
/** Of these, strangers leave some to those whom we know. */
const mostOfStrangers = 12;

export function createTokenReviews(options: TokenReviewsOptions): Recognizer {
  return new TokenReviews(options);
}

interface Known {
  readonly recognition: Recognition;
  /** Of a caller. */
  readonly identity?: Identity;
}

class TokenReviews implements Recognizer {
  readonly #requests: Requests;
  readonly #ownNamespace: string;
  readonly #audience: string;
  readonly #times: ReviewTimes;
  readonly #known: CachedReviews<Known>;
  readonly #closing = new AbortController();
  #open = 0;

  constructor({ connection, ownNamespace, audience = 'millrace', times = {} }: TokenReviewsOptions) {
    this.#requests = new Requests(connection);
    this.#ownNamespace = ownNamespace;
    this.#audience = audience;
    this.#times = { ...usualTimes, ...times };
    const isGood = ({ identity }: Known): boolean => identity !== undefined;
    this.#known = new CachedReviews({ ...this.#keeping(mostTokens), isGood });
  }

  async recognize(token: string): Promise<Recognition> {
    if (!isPresentable(token))
      return { kind: 'refused', why: 'the token is none: empty, too long, or not of visible ASCII' };
    const digest = createHash('sha256').update(token).digest('base64');
    const { recognition } = await this.#known.answer(digest, (before) => this.#review(token, before));
    return recognition;
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async #review(token: string, before: Known | undefined): Promise<Known> {
    const audience = audienceFor(token, this.#audience);
    const call = {
      verb: 'create',
      place: { ...tokenReviewKind, namespace: '' },
      body: tokenReview(token, audience),
    } as const;
    try {
      const most = before === undefined ? mostOfStrangers : mostOpenReviews;
      const reviewed = await this.#ask(call, most, (answer) => readTokenReview(answer, token, audience));
      if (reviewed.kind !== 'known') return { recognition: reviewed };
      const { identity } = reviewed;
      // The same one keeps the answers about them.
      if (before !== undefined && JSON.stringify(before.identity) === JSON.stringify(identity)) return before;
      return { recognition: { kind: 'caller', caller: this.#callerOf(identity) }, identity };
    } catch (error) {
      throw unknown('whose token it is', withoutToken(error, token));
    }
  }

  #callerOf(identity: Identity): Caller {
    const rights = new CachedReviews<boolean>({ ...this.#keeping(mostAnswersOfCaller), isGood: Boolean });
    return {
      name: auditName(identity.username),
      may: async (right, namespace) => {
        const attributes = attributesOf(right, namespace, this.#ownNamespace);
        if (attributes === undefined) return false;
        return rights.answer(JSON.stringify(attributes), () => this.#mayDo(identity, attributes));
      },
    };
  }

  async #mayDo(identity: Identity, attributes: Attributes): Promise<boolean> {
    const body = accessReview(identity, attributes);
    const call = { verb: 'create', place: { ...subjectAccessReviewKind, namespace: '' }, body } as const;
    try {
      return await this.#ask(call, mostOpenReviews, readAccessReview);
    } catch (cause) {
      throw unknown('what the caller may do', cause);
    }
  }

  async #ask<T>(
    call: Parameters<Requests['send']>[0],
    most: number,
    read: (answer: unknown) => T,
  ): Promise<T> {
    if (this.#open >= most)
      throw new MillraceError(
        'MILLRACE_ACCESS_UNKNOWN',
        `${this.#open} reviews are under way, and no more are begun`,
      );
    this.#open += 1;
    try {
      return read(await this.#requests.send(call, this.#closing.signal));
    } finally {
      this.#open -= 1;
    }
  }

  #keeping(most: number): Omit<CacheRules<unknown>, 'isGood'> {
    const { freshMs, servedMs, refusedMs: otherMs, failureMs } = this.#times;
    return { freshMs, servedMs, otherMs, failureMs, most, now: () => performance.now() };
  }
}

function unknown(what: string, cause: unknown): MillraceError {
  return new MillraceError('MILLRACE_ACCESS_UNKNOWN', `the API server does not say ${what}`, { cause });
}
