// The credentials that the gateway presents to a function: TLS certificates and tokens that the trigger names, renewed without a restart.
// While some are missing, nothing is sent to the function, and `missing` says why.
//
//   Secrets, read every 10 s ──► tls ──────────────────────────────────► new connections
//                └──► OAuth client ──► token, renewed ──► authorization ──► each request
//                                        ▲    └── 401: replaced, at most every 10 s
//                                        └── refreshed: at once, every second, and when the client has changed
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
  /** Milliseconds between two reads of the Secrets; see rotating-credentials.ts. */
  readonly delayMs?: number | undefined;
  /** Minimum milliseconds between two replacements of a refused token; 10,000 when absent. */
  readonly minReplacementMs?: number | undefined;
  /** Checks the addresses of token endpoints; absent: they may be anywhere. */
  readonly guard?: ConnectGuard | undefined;
}

export function createFunctionCredentials(options: FunctionCredentialsOptions): OpenFunctionAccess {
  return (subscription, onChange) => {
    const { tls, authentication } = subscription.function;
    if (tls === undefined && authentication === undefined) return undefined;
    return new FunctionCredentials(subscription, options, onChange);
  };
}

/** How often the token is refreshed from its cache, in ms: less than the remaining lifetime of any token in use. */
const refreshMs = 1_000;

/** The values of the Secrets. */
interface SecretValues {
  readonly tls?: FunctionTlsCredentials;
  readonly oauth?: OauthCredentials;
}

interface Tokens {
  current(): Promise<string>;
  refused(value: string): void;
  close(): Promise<void>;
}

/** What requests are sent with. */
interface Presented {
  readonly missing: string | undefined;
  readonly tls: FunctionTlsCredentials | undefined;
  readonly authorization: string | undefined;
}

const scheme = 'Bearer ';

class FunctionCredentials implements FunctionAccess {
  readonly #key: string;
  readonly #options: FunctionCredentialsOptions;
  readonly #onChange: () => void;
  readonly #secretValues: RotatingCredentials<SecretValues>;
  readonly #tokens: Tokens | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  #presented: Presented = {
    missing: 'the credentials for the function have not been read yet',
    tls: undefined,
    authorization: undefined,
  };
  #nextReplacementMs = 0;
  #refreshes = 0;
  #hasSecretValues = false;
  #isClosed = false;

  constructor(subscription: Subscription, options: FunctionCredentialsOptions, onChange: () => void) {
    const { key } = subscription;
    const { secrets, log, delayMs } = options;
    this.#key = key;
    this.#options = options;
    this.#onChange = onChange;
    this.#secretValues = createRotatingCredentials<SecretValues>({
      read: () => readSecretValues(subscription, secrets),
      shown: (values) => values,
      // A function refuses wrong credentials at the first request, whose record is then held.
      prove: () => Promise.resolve(),
      onTrouble: (error) => this.#trouble(error),
      onRenewed: () => log('info', 'credentials for the function renewed', { trigger: key }),
      delayMs,
    });
    this.#secretValues.onRenewed(() => {
      this.#hasSecretValues = true;
      void this.#refresh();
    });
    this.#tokens = createTokens(subscription, options, () => this.#secretValues.current());
    if (this.#tokens === undefined) return;
    this.#timer = setInterval(() => void this.#refresh(), refreshMs).unref();
  }

  get missing(): string | undefined {
    return this.#presented.missing;
  }

  get tls(): FunctionTlsCredentials | undefined {
    return this.#presented.tls;
  }

  get authorization(): string | undefined {
    return this.#presented.authorization;
  }

  refused(authorization: string): void {
    const nowMs = performance.now();
    if (authorization !== this.#presented.authorization || nowMs < this.#nextReplacementMs) return;
    this.#nextReplacementMs = nowMs + (this.#options.minReplacementMs ?? 10_000);
    this.#tokens?.refused(authorization.slice(scheme.length));
    this.#present({
      ...this.#presented,
      missing: 'the function refused the token (401): another one is requested',
      authorization: undefined,
    });
    void this.#refresh();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#secretValues.close();
    await this.#tokens?.close();
  }

  /** Never rejects. The result of a refresh is dropped if a later one has begun. */
  async #refresh(): Promise<void> {
    this.#refreshes += 1;
    const refresh = this.#refreshes;
    const current = await this.#current();
    if (refresh === this.#refreshes) this.#present(current);
  }

  async #current(): Promise<Presented> {
    try {
      const { tls } = this.#secretValues.current();
      const token = await this.#tokens?.current();
      const authorization = token === undefined ? undefined : scheme + token;
      return { missing: undefined, tls, authorization };
    } catch (error) {
      return { missing: describeError(error), tls: this.#presented.tls, authorization: undefined };
    }
  }

  #present(current: Presented): void {
    if (this.#isClosed || isDeepStrictEqual(current, this.#presented)) return;
    const before = this.#presented;
    // The same object means the same certificates, so that connections stay open.
    this.#presented = isDeepStrictEqual(current.tls, before.tls) ? { ...current, tls: before.tls } : current;
    if (current.missing !== undefined && current.missing !== before.missing)
      this.#log('nothing is sent to the function: credentials are missing', current.missing);
    this.#onChange();
  }

  #trouble(error: unknown): void {
    if (this.#hasSecretValues)
      this.#log('new credentials for the function cannot be used, trying again', describeError(error));
    else void this.#refresh();
  }

  #log(message: string, reason: string): void {
    this.#options.log('warn', message, { trigger: this.#key, reason });
  }
}

async function readSecretValues(
  { namespace, function: to }: Subscription,
  secrets: SecretReader,
): Promise<SecretValues> {
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
  values: () => SecretValues,
): Tokens | undefined {
  if (authentication === undefined) return undefined;
  // `refused` above limits how often a refused token is replaced.
  const leastUseMs = 0;
  if (authentication.type === 'oauthbearer') {
    const credentials = (): OauthCredentials => values().oauth as OauthCredentials;
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
