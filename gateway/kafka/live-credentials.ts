// Credentials as they are now: read again and again, and taken on when a broker has accepted them. Until then the old ones stay, in new
// connections too: whoever rotates may change the Secret before the broker, or after it.
//
//   reading ──first──► held ──others are read──► proved ──accepted──► held, told as renewed
//                       ▲                          └──not accepted: said once, tried again at the next look
//                       └─ cannot be read: said once, held on
import { isDeepStrictEqual } from 'node:util';
import { MillraceError } from '../contract/errors.ts';
import type { Credentials } from '../contract/kafka-access.ts';

export interface LiveCredentials {
  /** Throws why there are none, while there are none. */
  current(): Credentials;
  /** Resolves when they have been read for the first time, or could not be. Never rejects. */
  ready(): Promise<void>;
  /** `listener` is called when others are shown from now on. */
  onRenewed(listener: () => void): void;
  close(): void;
}

export interface LiveCredentialsOptions {
  readonly read: () => Promise<Credentials>;
  /** Rejects where a broker does not accept them. */
  readonly prove: (candidate: Credentials) => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
  readonly onRenewed: () => void;
  /** Milliseconds between two looks; 10,000 when absent, and a second while there are none. */
  readonly pauseMs?: number | undefined;
}

export function createLiveCredentials(options: LiveCredentialsOptions): LiveCredentials {
  return new WatchedCredentials(options);
}

class WatchedCredentials implements LiveCredentials {
  readonly #options: LiveCredentialsOptions;
  readonly #listeners = new Set<() => void>();
  readonly #first: Promise<void>;
  #held: Credentials | undefined;
  #failure: unknown = new MillraceError('MILLRACE_CREDENTIALS_UNUSABLE', 'the credentials are being read');
  #told: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: LiveCredentialsOptions) {
    this.#options = options;
    this.#first = this.#look();
  }

  current(): Credentials {
    if (this.#held === undefined) throw this.#failure;
    return this.#held;
  }

  ready(): Promise<void> {
    return this.#first;
  }

  onRenewed(listener: () => void): void {
    this.#listeners.add(listener);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  async #look(): Promise<void> {
    try {
      await this.#take(await this.#options.read());
      this.#told = undefined;
    } catch (error) {
      this.#failure = error;
      this.#tell(error);
    }
    if (this.#isClosed) return;
    const { pauseMs = 10_000 } = this.#options;
    const nextMs = this.#held === undefined ? Math.min(1_000, pauseMs) : pauseMs * (0.9 + Math.random() / 5);
    this.#timer = setTimeout(() => void this.#look(), nextMs);
    this.#timer.unref();
  }

  async #take(read: Credentials): Promise<void> {
    if (this.#held === undefined) {
      this.#held = read;
      return;
    }
    if (isDeepStrictEqual(read, this.#held)) return;
    // A client is asked who it is at each new token: what proves it may change without any connection.
    if (!isDeepStrictEqual(shownToBrokers(read), shownToBrokers(this.#held))) {
      await this.#options.prove(read);
      if (this.#isClosed) return;
      this.#held = read;
      this.#options.onRenewed();
      for (const listener of this.#listeners) listener();
    } else this.#held = read;
  }

  #tell(error: unknown): void {
    const text = String(error);
    if (text === this.#told || this.#isClosed) return;
    this.#told = text;
    this.#options.onTrouble(error);
  }
}

function shownToBrokers({ tls, sasl }: Credentials): unknown {
  if (sasl?.mechanism !== 'oauthbearer') return { tls, sasl };
  const { clientAssertion: _assertion, ...settings } = sasl;
  return { tls, sasl: settings };
}
