// Who we are to a broker, by SASL, with what is held at the moment: PLAIN (RFC 4616), SCRAM, and OAUTHBEARER (RFC 7628).
import { MillraceError } from '../../../contract/errors.ts';
import type { Credentials, PasswordMechanism, SaslCredentials } from '../../../contract/kafka-access.ts';
import type { RotatingCredentials } from '../../../credentials/rotating-credentials.ts';
import { createOauthTokens, type OauthToken, type OauthTokens } from '../../../credentials/oauth-tokens.ts';
import type { ConnectGuard } from '../../../network/connect-guard.ts';
import { authenticateByScram, type Ask } from '../socket/scram.ts';

export type SaslMechanism = SaslCredentials['mechanism'];

export interface Sasl {
  /** Of all credentials there will be. */
  readonly mechanism: SaslMechanism;
  /**
   * Of one connection, over which `ask` exchanges the messages of the mechanism. Rejects with MILLRACE_KAFKA_UNAUTHENTICATED where the broker
   * refuses us or is not to be trusted, with why there is no token, and with why the connection failed.
   */
  authenticate(ask: Ask): Promise<void>;
  /** Ends what is asked for. */
  close(): Promise<void>;
}

export interface SaslSettings {
  /** Of all credentials there will be. */
  readonly mechanism: SaslMechanism;
  readonly credentials: Pick<RotatingCredentials<Credentials>, 'current'>;
  /** Absent: tokens may be asked for anywhere. */
  readonly guard?: ConnectGuard | undefined;
  /** Milliseconds that a connection waits for a token; 8,000 when absent. */
  readonly tokenMs?: number | undefined;
}

/** Less than connecting may take in all (connection-settings.ts): a token endpoint that hangs is told of, and not the broker. */
const usualTokenMs = 8_000;

export function createSasl({ mechanism, credentials, guard, tokenMs = usualTokenMs }: SaslSettings): Sasl {
  if (mechanism !== 'oauthbearer')
    return {
      mechanism,
      authenticate: (ask) => showPassword(mechanism, credentials, ask),
      close: () => Promise.resolve(),
    };
  const tokens = createTokens(credentials, guard);
  return {
    mechanism,
    authenticate: async (ask) => showToken(tokens, await tokenIn(tokens, tokenMs), ask),
    close: () => tokens.close(),
  };
}

/** Tokens by what is held at the moment. */
function createTokens(
  credentials: SaslSettings['credentials'],
  guard: ConnectGuard | undefined,
): OauthTokens {
  return createOauthTokens({
    guard,
    credentials: () => {
      const { sasl } = credentials.current();
      if (sasl?.mechanism !== 'oauthbearer') throw otherMechanism('oauthbearer', sasl);
      return sasl;
    },
  });
}

async function showPassword(
  mechanism: PasswordMechanism,
  credentials: SaslSettings['credentials'],
  ask: Ask,
): Promise<void> {
  const { sasl } = credentials.current();
  if (sasl === undefined || sasl.mechanism === 'oauthbearer') throw otherMechanism(mechanism, sasl);
  const { username, password } = sasl;
  const asked = askOf(mechanism, ask);
  if (mechanism === 'plain') await asked(Buffer.from(`\0${username}\0${password}`, 'utf8'));
  else await authenticateByScram({ mechanism, username, password }, asked);
}

/** A refusal is told with what the broker says of it. */
function askOf(mechanism: SaslMechanism, ask: Ask): Ask {
  return async (message) => {
    try {
      return await ask(message);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const why = `SASL ${mechanism.toUpperCase()}: ${error.message}`;
      throw new MillraceError('MILLRACE_KAFKA_UNAUTHENTICATED', `the broker does not let us in: ${why}`);
    }
  };
}

function isRefusal(error: unknown): error is Error {
  return error instanceof Error && 'type' in error && error.type === 'SASL_AUTHENTICATION_FAILED';
}

function otherMechanism(expected: string, sasl: SaslCredentials | undefined): MillraceError {
  const found = sasl?.mechanism ?? 'no SASL';
  const message = `the credentials are for ${found} now, the connections are for ${expected}: restart to change that`;
  return new MillraceError('MILLRACE_CREDENTIALS_UNUSABLE', message);
}

/** RFC 7628, section 3.1: fields are ended by this character. */
const fieldEnd = '\u0001';

/** The token is asked for on and on, and is there for the next connection. */
async function tokenIn(tokens: OauthTokens, limitMs: number): Promise<OauthToken> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const message = `no answer of the token endpoint within ${limitMs / 1000} s: the broker waits for a token`;
    timer = setTimeout(() => reject(new MillraceError('MILLRACE_KAFKA_UNREACHABLE', message)), limitMs);
  });
  try {
    return await Promise.race([tokens.token(), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function showToken(tokens: OauthTokens, { value, extensions }: OauthToken, ask: Ask): Promise<void> {
  const fields = [
    `auth=Bearer ${value}`,
    ...Object.entries(extensions).map(([name, text]) => `${name}=${text}`),
  ];
  const first = `n,,${fieldEnd}${fields.map((field) => field + fieldEnd).join('')}${fieldEnd}`;
  const refusal = (await askOf('oauthbearer', ask)(Buffer.from(first, 'utf8'))).toString('utf8');
  if (refusal === '') return;
  tokens.refused(value);
  // Section 3.2.3: who is refused says that it has heard, and the broker then ends the authentication itself.
  await ask(Buffer.from(fieldEnd, 'utf8')).catch(() => undefined);
  throw new MillraceError(
    'MILLRACE_KAFKA_UNAUTHENTICATED',
    `the broker refuses the token: ${statusOf(refusal)}`,
  );
}

/** Section 3.2.2: JSON with a `status`, such as `invalid_token`. */
function statusOf(refusal: string): string {
  try {
    const { status } = JSON.parse(refusal) as { readonly status?: unknown };
    if (typeof status === 'string') return status.replaceAll(/[^\x20-\x7e]/g, '').slice(0, 200);
  } catch {
    // Some brokers say it in their own words, which may hold anything.
  }
  return 'without a reason';
}
