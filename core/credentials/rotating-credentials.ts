// Credentials as they are now: read again and again, and taken on when a peer has accepted them. Until then the old ones stay, in new
// connections too: whoever rotates may change the Secret before the peer, or after it.
//
//   reading ──first──► held ──others are read──► proved ──accepted──► held, told as renewed
//                       ▲                          └──not accepted: said once, tried again at the next look
//                       └─ cannot be read: said once, held on
import { isDeepStrictEqual } from 'node:util';
import { MillraceError } from '../contract/errors.ts';

export interface RotatingCredentials<C> {
  /** Throws why there are none, while there are none. */
  current(): C;
  /** Resolves when they have been read for the first time, or could not be. Never rejects. */
  ready(): Promise<void>;
  /** `listener` is called when others, or the first, are shown from now on. */
  onRenewed(listener: () => void): void;
  close(): void;
}

export interface RotatingCredentialsOptions<C> {
  readonly read: () => Promise<C>;
  /** What of them a peer is shown; the rest may change without anybody's being asked, or told. */
  readonly shown: (credentials: C) => unknown;
  /** Rejects where a peer does not accept them. */
  readonly prove: (candidate: C) => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
  /** Not of the first. */
  readonly onRenewed: () => void;
  /** Milliseconds between two looks; 10,000 when absent, and a second while there are none. */
  readonly delayMs?: number | undefined;
}

export function createRotatingCredentials<C>(options: RotatingCredentialsOptions<C>): RotatingCredentials<C> {
  return new WatchedCredentials(options);
}

class WatchedCredentials<C> implements RotatingCredentials<C> {
  readonly #options: RotatingCredentialsOptions<C>;
  readonly #listeners = new Set<() => void>();
  readonly #first: Promise<void>;
  #held: C | undefined;
  #failure: unknown = new MillraceError('MILLRACE_CREDENTIALS_UNUSABLE', 'the credentials are being read');
  #told: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: RotatingCredentialsOptions<C>) {
    this.#options = options;
    this.#first = this.#look();
  }

  current(): C {
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
    const { delayMs = 10_000 } = this.#options;
    const nextMs = this.#held === undefined ? Math.min(1_000, delayMs) : delayMs * (0.9 + Math.random() / 5);
    this.#timer = setTimeout(() => void this.#look(), nextMs);
    this.#timer.unref();
  }

  async #take(read: C): Promise<void> {
    const { shown, prove, onRenewed } = this.#options;
    if (this.#held === undefined) {
      this.#show(read);
      return;
    }
    if (isDeepStrictEqual(read, this.#held)) return;
    if (isDeepStrictEqual(shown(read), shown(this.#held))) {
      this.#held = read;
      return;
    }
    await prove(read);
    if (this.#isClosed) return;
    this.#show(read);
    onRenewed();
  }

  #show(read: C): void {
    this.#held = read;
    for (const listener of this.#listeners) listener();
  }

  #tell(error: unknown): void {
    const text = String(error);
    if (text === this.#told || this.#isClosed) return;
    this.#told = text;
    this.#options.onTrouble(error);
  }
}
