// Recognizes callers through the API server: a TokenReview for each token, a SubjectAccessReview for each right of a caller.
// Answers are cached for seconds, by digests of the tokens. A token or a right that is revoked there ends here 60 s later at most.
import { createHash } from 'node:crypto';
import { auditName, isPresentable, withoutToken } from './bearer-token.ts';
import type { Caller, Recognition, Recognizer } from '../contract/callers.ts';
import { MillraceError } from '../contract/errors.ts';
import { subjectAccessReviewKind, tokenReviewKind } from '../resources/kinds.ts';
import type { Connection } from '../kubernetes/api-connection.ts';
import { CachedReviews, type ReviewCacheOptions } from './cached-reviews.ts';
import { Requests } from '../kubernetes/api-requests.ts';
import { Turns } from './turns.ts';
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
  /** Whoever opened it closes it, after the recognizer. */
  readonly connection: Connection;
  /** The namespace of the installation, where callers need the right `activate`. */
  readonly ownNamespace: string;
  /** The audience of tokens that are made for Millrace. Tokens for the API server itself are accepted too. */
  readonly audience?: string;
  readonly times?: Partial<ReviewTimes>;
}

export interface ReviewTimes {
  /** Age from which what was allowed is asked again. */
  readonly freshMs: number;
  /** Age from which what was allowed is not used any more. */
  readonly maxAgeMs: number;
  /** How long what was not allowed is not asked again. */
  readonly refusedMs: number;
  /** How long there is no other request after one that failed. */
  readonly failureMs: number;
}

const usualTimes: ReviewTimes = { freshMs: 10_000, maxAgeMs: 60_000, refusedMs: 5_000, failureMs: 1_000 };
const maxTokens = 1_000;
/** Of all callers together: a person has two for each namespace with triggers. */
const maxRights = 20_000;
/** TokenReviews in flight, so that callers cannot make us flood the API server. */
const maxOpenReviews = 16;
/** Fewer for tokens that are not cached: the rest is reserved for known callers. */
const maxOpenReviewsOfNewTokens = 12;
/** SubjectAccessReviews in flight. The others wait their turn: only known callers cause them. */
const maxOpenAccessReviews = 16;
const maxWaitingAccessReviews = 10_000;

export function createTokenReviews(options: TokenReviewsOptions): Recognizer {
  return new TokenReviews(options);
}

interface Known {
  readonly recognition: Recognition;
  /** Undefined unless the token is that of a caller. */
  readonly identity?: Identity;
}

class TokenReviews implements Recognizer {
  readonly #requests: Requests;
  readonly #ownNamespace: string;
  readonly #audience: string;
  readonly #times: ReviewTimes;
  readonly #known: CachedReviews<Known>;
  readonly #rights: CachedReviews<boolean>;
  readonly #turns = new Turns({ atOnce: maxOpenAccessReviews, maxWaiting: maxWaitingAccessReviews });
  readonly #closing = new AbortController();
  #open = 0;
  #callers = 0;

  constructor({ connection, ownNamespace, audience = 'millrace', times = {} }: TokenReviewsOptions) {
    this.#requests = new Requests(connection);
    this.#ownNamespace = ownNamespace;
    this.#audience = audience;
    this.#times = { ...usualTimes, ...times };
    const isPositive = ({ identity }: Known): boolean => identity !== undefined;
    this.#known = new CachedReviews({ ...this.#cacheOptions(maxTokens), isPositive });
    this.#rights = new CachedReviews<boolean>({ ...this.#cacheOptions(maxRights), isPositive: Boolean });
  }

  async recognize(token: string): Promise<Recognition> {
    if (!isPresentable(token))
      return {
        kind: 'refused',
        why: 'the token is empty, too long, or has characters other than visible ASCII',
      };
    const digest = createHash('sha256').update(token).digest('base64');
    const { recognition } = await this.#known.get(digest, (previous) => this.#review(token, previous));
    return recognition;
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async #review(token: string, previous: Known | undefined): Promise<Known> {
    const audience = audienceFor(token, this.#audience);
    const call = {
      verb: 'create',
      place: { ...tokenReviewKind, namespace: '' },
      body: tokenReview(token, audience),
    } as const;
    try {
      const maxOpen = previous === undefined ? maxOpenReviewsOfNewTokens : maxOpenReviews;
      const result = readTokenReview(await this.#ask(call, maxOpen), token, audience);
      if (result.kind !== 'known') return { recognition: result };
      const { identity } = result;
      // The same identity keeps its caller, and so the cached answers about its rights.
      if (previous !== undefined && JSON.stringify(previous.identity) === JSON.stringify(identity))
        return previous;
      return { recognition: { kind: 'caller', caller: this.#callerOf(identity) }, identity };
    } catch (error) {
      throw unknown('whose token this is', withoutToken(error, token));
    }
  }

  #callerOf(identity: Identity): Caller {
    const serial = (this.#callers += 1);
    return {
      name: auditName(identity.username),
      may: async (right, namespace) => {
        const attributes = attributesOf(right, namespace, this.#ownNamespace);
        if (attributes === undefined) return false;
        const key = `${serial} ${right} ${namespace ?? ''}`;
        return this.#rights.get(key, () => this.#mayDo(identity, attributes));
      },
    };
  }

  async #mayDo(identity: Identity, attributes: Attributes): Promise<boolean> {
    const body = accessReview(identity, attributes);
    const call = { verb: 'create', place: { ...subjectAccessReviewKind, namespace: '' }, body } as const;
    try {
      const { signal } = this.#closing;
      const answer = await this.#turns.take(() => this.#requests.send(call, signal));
      return readAccessReview(answer);
    } catch (cause) {
      throw unknown('whether the caller has the right', cause);
    }
  }

  async #ask(call: Parameters<Requests['send']>[0], maxOpen: number): Promise<unknown> {
    if (this.#open >= maxOpen)
      throw new MillraceError(
        'MILLRACE_ACCESS_UNKNOWN',
        `${this.#open} reviews are in flight, which is the limit`,
      );
    this.#open += 1;
    try {
      return await this.#requests.send(call, this.#closing.signal);
    } finally {
      this.#open -= 1;
    }
  }

  #cacheOptions(maxEntries: number): Omit<ReviewCacheOptions<unknown>, 'isPositive'> {
    const { freshMs, maxAgeMs, refusedMs: negativeMs, failureMs } = this.#times;
    return { freshMs, maxAgeMs, negativeMs, failureMs, maxEntries, now: () => performance.now() };
  }
}

function unknown(what: string, cause: unknown): MillraceError {
  return new MillraceError('MILLRACE_ACCESS_UNKNOWN', `the API server does not say ${what}`, { cause });
}
