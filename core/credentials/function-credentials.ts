// What a function is shown besides events: certificates and tokens by what its trigger names, kept current without a restart. What is
// not there is told with its place, and nothing is sent meanwhile.
//
//   Secrets, read again and again ──► tls ─────────────────────────────► new connections
//                └──► who the client is ──► token, renewed ──► authorization ──► each request
//                                             ▲    └── 401: another one, at most every 10 s
//                                             └── asked for: at once, every second, and when the client is another
import { isDeepStrictEqual } from 'node:util';
import { describeError } from '../contract/errors.ts';
import type { FunctionTls, FunctionTlsCredentials } from '../contract/function-access.ts';
import type { OauthCredentials } from '../contract/kafka-access.ts';
import { certificatesIn } from './pem.ts';
import type { FunctionAccess, OpenFunctionAccess } from '../contract/endpoint-source.ts';
import type { SecretReader } from '../contract/secret-reader.ts';
import type { Subscription } from '../contract/subscription.ts';
import type { ConnectGuard } from '../network/connect-guard.ts';
import { createCachedToken } from './cached-token.ts';
import { createRotatingCredentials, type RotatingCredentials } from './rotating-credentials.ts';
import { createOauthTokens } from './oauth-tokens.ts';
import { createReadSecret, readCertificate, readOauth, type ReadSecret } from './read-secrets.ts';

export interface FunctionCredentialsOptions {
  readonly secrets: SecretReader;
  readonly log: (level: 'info' | 'warn', message: string, fields: Record<string, unknown>) => void;
  /** Milliseconds between two looks at Secrets; see rotating-credentials.ts. */
  readonly delayMs?: number | undefined;
  /** Least milliseconds between two tokens that are asked for because one was refused; 10,000 when absent. */
  readonly patienceMs?: number | undefined;
  /** Of token endpoints; absent: they may be anywhere. */
  readonly guard?: ConnectGuard | undefined;
}

export function createFunctionCredentials(options: FunctionCredentialsOptions): OpenFunctionAccess {
  return (subscription, onChange) => {
    const { tls, authentication } = subscription.function;
    if (tls === undefined && authentication === undefined) return undefined;
    return new LiveAccess(subscription, options, onChange);
  };
}

/** How often a token is looked at, in ms: less than what is left of any that is shown. */
const tokenCheckMs = 1_000;

/** What the Secrets say. */
interface Named {
  readonly tls?: FunctionTlsCredentials;
  readonly oauth?: OauthCredentials;
}

interface Tokens {
  current(): Promise<string>;
  refused(value: string): void;
  close(): Promise<void>;
}

/** What a request is sent with. */
interface Shown {
  readonly lack: string | undefined;
  readonly tls: FunctionTlsCredentials | undefined;
  readonly authorization: string | undefined;
}

const scheme = 'Bearer ';

class LiveAccess implements FunctionAccess {
  readonly #key: string;
  readonly #options: FunctionCredentialsOptions;
  readonly #onChange: () => void;
  readonly #named: RotatingCredentials<Named>;
  readonly #tokens: Tokens | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  #shown: Shown = { lack: 'what it is to be shown is being read', tls: undefined, authorization: undefined };
  #patientUntilMs = 0;
  #looks = 0;
  #isNamed = false;
  #isClosed = false;

  constructor(subscription: Subscription, options: FunctionCredentialsOptions, onChange: () => void) {
    const { key } = subscription;
    const { secrets, log, delayMs } = options;
    this.#key = key;
    this.#options = options;
    this.#onChange = onChange;
    this.#named = createRotatingCredentials<Named>({
      read: () => readNamed(subscription, secrets),
      shown: (named) => named,
      // A function says what it does not accept with the first request, which is held then.
      prove: () => Promise.resolve(),
      onTrouble: (error) => this.#trouble(error),
      onRenewed: () => log('info', 'what the function is shown was renewed', { trigger: key }),
      delayMs,
    });
    this.#named.onRenewed(() => {
      this.#isNamed = true;
      void this.#look();
    });
    this.#tokens = createTokens(subscription, options, () => this.#named.current());
    if (this.#tokens === undefined) return;
    this.#timer = setInterval(() => void this.#look(), tokenCheckMs).unref();
  }

  get lack(): string | undefined {
    return this.#shown.lack;
  }

  get tls(): FunctionTlsCredentials | undefined {
    return this.#shown.tls;
  }

  get authorization(): string | undefined {
    return this.#shown.authorization;
  }

  refused(authorization: string): void {
    const nowMs = performance.now();
    if (authorization !== this.#shown.authorization || nowMs < this.#patientUntilMs) return;
    this.#patientUntilMs = nowMs + (this.#options.patienceMs ?? 10_000);
    this.#tokens?.refused(authorization.slice(scheme.length));
    this.#show({
      ...this.#shown,
      lack: 'it refused its token (401): another is asked for',
      authorization: undefined,
    });
    void this.#look();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#named.close();
    await this.#tokens?.close();
  }

  /** Never rejects. What an earlier look finds after a later one has begun does not count. */
  async #look(): Promise<void> {
    this.#looks += 1;
    const look = this.#looks;
    const found = await this.#find();
    if (look === this.#looks) this.#show(found);
  }

  async #find(): Promise<Shown> {
    try {
      const { tls } = this.#named.current();
      const token = await this.#tokens?.current();
      const authorization = token === undefined ? undefined : scheme + token;
      return { lack: undefined, tls, authorization };
    } catch (error) {
      return { lack: describeError(error), tls: this.#shown.tls, authorization: undefined };
    }
  }

  #show(found: Shown): void {
    if (this.#isClosed || isDeepStrictEqual(found, this.#shown)) return;
    const before = this.#shown;
    // Connections are made anew only where what they show is another.
    this.#shown = isDeepStrictEqual(found.tls, before.tls) ? { ...found, tls: before.tls } : found;
    if (found.lack !== undefined && found.lack !== before.lack)
      this.#log('nothing is sent to the function for want of what it is to be shown', found.lack);
    this.#onChange();
  }

  #trouble(error: unknown): void {
    if (this.#isNamed)
      this.#log('what the function is to be shown is not taken on, tried again', describeError(error));
    else void this.#look();
  }

  #log(message: string, reason: string): void {
    this.#options.log('warn', message, { trigger: this.#key, reason });
  }
}

async function readNamed({ namespace, function: to }: Subscription, secrets: SecretReader): Promise<Named> {
  const place = { namespace, namedBy: 'the trigger', secrets };
  const read = createReadSecret(place);
  const { tls, authentication } = to;
  return {
    ...(tls === undefined ? {} : { tls: await readTls(tls, read) }),
    ...(authentication?.type === 'oauthbearer'
      ? { oauth: await readOauth(authentication, 'function.authentication', read, place) }
      : {}),
  };
}

async function readTls(
  { ca, certificate, key, keyPassword, serverName }: FunctionTls,
  read: ReadSecret,
): Promise<FunctionTlsCredentials> {
  const at = 'function.tls';
  return {
    ...(serverName === undefined ? {} : { serverName }),
    ...(ca === undefined ? {} : { ca: await read(ca, `${at}.ca`, certificatesIn) }),
    ...(certificate === undefined || key === undefined
      ? {}
      : await readCertificate({ certificate, key, keyPassword }, at, read)),
  };
}

function createTokens(
  { namespace, function: { authentication } }: Subscription,
  { secrets, guard }: FunctionCredentialsOptions,
  named: () => Named,
): Tokens | undefined {
  if (authentication === undefined) return undefined;
  // How long a refused one is kept is said by who asks.
  const leastUseMs = 0;
  if (authentication.type === 'oauthbearer') {
    const credentials = (): OauthCredentials => named().oauth as OauthCredentials;
    const tokens = createOauthTokens({ credentials, leastUseMs, guard });
    return { ...tokens, current: async () => (await tokens.token()).value };
  }
  let refused: string | undefined;
  const ask = async () => ({
    accessToken: await secrets.serviceAccountToken(namespace, authentication, refused),
    lifetimeMs: undefined,
  });
  const token = createCachedToken({ client: () => ({ identity: '', proof: '', ask }), leastUseMs });
  return {
    current: () => token.current(),
    refused: (value) => token.refused((refused = value)),
    close: async () => token.close(),
  };
}
