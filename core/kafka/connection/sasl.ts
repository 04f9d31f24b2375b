// Who we are to a broker, by SASL: kafkajs speaks PLAIN and SCRAM with what is held at the moment; OAUTHBEARER is spoken here, for kafkajs
// takes the refusal of a token for an acceptance.
import type { AuthenticationProviderArgs, KafkaConfig } from 'kafkajs';
import { MillraceError } from '../../contract/errors.ts';
import type { Credentials, PasswordMechanism, SaslCredentials } from '../../contract/kafka-access.ts';
import type { RotatingCredentials } from '../../credentials/rotating-credentials.ts';
import { createOauthTokens, type OauthTokens } from '../../credentials/oauth-tokens.ts';
import type { ConnectGuard } from '../../network/connect-guard.ts';

export type SaslMechanism = SaslCredentials['mechanism'];
export type SaslOptions = NonNullable<KafkaConfig['sasl']>;

export interface Sasl {
  /** What kafkajs asks at each authentication. */
  readonly options: SaslOptions;
  /** Ends what is asked for. */
  close(): Promise<void>;
}

export interface SaslSettings {
  /** Of all credentials there will be. */
  readonly mechanism: SaslMechanism;
  readonly credentials: Pick<RotatingCredentials<Credentials>, 'current'>;
  /** Absent: tokens may be asked for anywhere. */
  readonly guard?: ConnectGuard | undefined;
}

export function createSasl({ mechanism, credentials, guard }: SaslSettings): Sasl {
  if (mechanism !== 'oauthbearer')
    return { options: passwordOptions(mechanism, credentials), close: () => Promise.resolve() };
  const tokens = createTokens(credentials, guard);
  return { options: bearerOptions(tokens), close: () => tokens.close() };
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

function bearerOptions(tokens: OauthTokens): SaslOptions {
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ saslAuthenticate }) => ({
      authenticate: async () => showToken(tokens, saslAuthenticate),
    }),
  };
}

function passwordOptions(
  mechanism: PasswordMechanism,
  credentials: SaslSettings['credentials'],
): SaslOptions {
  const held = (): { username: string; password: string } => {
    const { sasl } = credentials.current();
    if (sasl === undefined || sasl.mechanism === 'oauthbearer') throw otherMechanism(mechanism, sasl);
    return sasl;
  };
  return {
    mechanism,
    get username() {
      return held().username;
    },
    get password() {
      return held().password;
    },
  } as SaslOptions & { mechanism: PasswordMechanism };
}

function otherMechanism(expected: string, sasl: SaslCredentials | undefined): MillraceError {
  const found = sasl?.mechanism ?? 'no SASL';
  const message = `the credentials are for ${found} now, the connections are for ${expected}: restart to change that`;
  return new MillraceError('MILLRACE_CREDENTIALS_UNUSABLE', message);
}

/** RFC 7628, section 3.1: fields are ended by this character. */
const fieldEnd = '\u0001';

async function showToken(
  tokens: OauthTokens,
  authenticate: AuthenticationProviderArgs['saslAuthenticate'],
): Promise<void> {
  const { value, extensions } = await tokens.token();
  const fields = [
    `auth=Bearer ${value}`,
    ...Object.entries(extensions).map(([name, text]) => `${name}=${text}`),
  ];
  const first = `n,,${fieldEnd}${fields.map((field) => field + fieldEnd).join('')}${fieldEnd}`;
  const refusal = await authenticate({ request: messageOf(first), response: answer });
  if (refusal === undefined || refusal === '') return;
  tokens.refused(value);
  // Section 3.2.3: who is refused says that it has heard, and the broker then ends the authentication itself.
  await authenticate({ request: messageOf(fieldEnd), response: answer }).catch(() => undefined);
  throw new MillraceError(
    'MILLRACE_KAFKA_UNAUTHENTICATED',
    `the broker refuses the token: ${statusOf(refusal)}`,
  );
}

/** As kafkajs has it for all mechanisms: the length before the bytes. */
function messageOf(text: string): { encode: () => Promise<Buffer> } {
  const bytes = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return { encode: () => Promise.resolve(Buffer.concat([length, bytes])) };
}

const answer = {
  decode: (bytes: Buffer) => bytes.subarray(4),
  parse: (bytes: Buffer) => bytes.toString('utf8'),
};

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
