// Renews credentials while the process runs: SCRAM and PLAIN passwords, client certificates, OAuth clients.
//
// How a SCRAM password is renewed: about every 10 s the Secret is read. A new password must first log in to a broker (`prove`). Then it replaces
// the old one, and `onRenewed` makes the connections reconnect with it (core/kafka/connection/socket). Until a broker accepts it, new
// connections too use the old password, because the Secret may change before the broker does, or after it.
//
//   read ──first──► in use ──others are read──► proved ──accepted──► in use, reported as renewed
//                     ▲                           └──not accepted: reported once, tried again at the next read
//                     └─ cannot be read: reported once, the old ones stay in use
import { isDeepStrictEqual } from 'node:util';
import { MillraceError } from '../contract/errors.ts';

export interface RotatingCredentials<C> {
  /** The credentials in use. While there are none, throws why. */
  current(): C;
  /** Resolves after the first read, also if it failed. Never rejects. */
  ready(): Promise<void>;
  /** `listener` is called when the first or other credentials come into use. Returns how to end that. */
  onRenewed(listener: () => void): () => void;
  close(): void;
}

export interface RotatingCredentialsOptions<C> {
  readonly read: () => Promise<C>;
  /** The part that peers see. The rest may change without `prove` and `onRenewed`. */
  readonly shown: (credentials: C) => unknown;
  /** Rejects if a peer does not accept the candidate. */
  readonly prove: (candidate: C) => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
  /** Other credentials are in use. Not called for the first ones. */
  readonly onRenewed: () => void;
  /** Milliseconds between two reads; 10,000 when absent. At most 1,000 while there are no credentials. */
  readonly delayMs?: number | undefined;
}

export function createRotatingCredentials<C>(options: RotatingCredentialsOptions<C>): RotatingCredentials<C> {
  return new PolledCredentials(options);
}

class PolledCredentials<C> implements RotatingCredentials<C> {
  readonly #options: RotatingCredentialsOptions<C>;
  readonly #listeners = new Set<() => void>();
  readonly #first: Promise<void>;
  #current: C | undefined;
  #failure: unknown = new MillraceError(
    'MILLRACE_CREDENTIALS_UNUSABLE',
    'the credentials have not been read yet',
  );
  #reported: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: RotatingCredentialsOptions<C>) {
    this.#options = options;
    this.#first = this.#poll();
  }

  current(): C {
    if (this.#current === undefined) throw this.#failure;
    return this.#current;
  }

  ready(): Promise<void> {
    return this.#first;
  }

  onRenewed(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  async #poll(): Promise<void> {
    try {
      await this.#adopt(await this.#options.read());
      this.#reported = undefined;
    } catch (error) {
      this.#failure = error;
      this.#report(error);
    }
    if (this.#isClosed) return;
    const { delayMs = 10_000 } = this.#options;
    const nextMs =
      this.#current === undefined ? Math.min(1_000, delayMs) : delayMs * (0.9 + Math.random() / 5);
    this.#timer = setTimeout(() => void this.#poll(), nextMs);
    this.#timer.unref();
  }

  async #adopt(candidate: C): Promise<void> {
    const { shown, prove, onRenewed } = this.#options;
    if (this.#current === undefined) {
      this.#use(candidate);
      return;
    }
    if (isDeepStrictEqual(candidate, this.#current)) return;
    if (isDeepStrictEqual(shown(candidate), shown(this.#current))) {
      this.#current = candidate;
      return;
    }
    await prove(candidate);
    if (this.#isClosed) return;
    this.#use(candidate);
    onRenewed();
  }

  #use(credentials: C): void {
    this.#current = credentials;
    for (const listener of this.#listeners) listener();
  }

  #report(error: unknown): void {
    const text = String(error);
    if (text === this.#reported || this.#isClosed) return;
    this.#reported = text;
    this.#options.onTrouble(error);
  }
}
