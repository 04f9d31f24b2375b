// Sends one request for an access token by client credentials (RFC 6749, section 4.4), and reads its answer.
// No error contains the credentials that were sent, or a token.
import { request, type Dispatcher } from 'undici';
import { describeError, MillraceError } from '../contract/errors.ts';
import type { OauthCredentials } from '../contract/kafka-access.ts';
import type { Grant } from './cached-token.ts';

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const commonHeaders = {
  accept: 'application/json',
  'content-type': 'application/x-www-form-urlencoded',
  'user-agent': 'millrace',
};
/** Characters of the provider's text that an error quotes. */
const mostDescription = 200;

/**
 * Rejects with MILLRACE_KAFKA_UNAUTHENTICATED if the provider refuses, or if `credentials` are not complete; with MILLRACE_KAFKA_UNREACHABLE
 * if it does not answer, or answers without a token; with MILLRACE_ADDRESS_REFUSED if the guard refuses its address.
 * Redirects are not followed, so that the secret reaches no other host.
 */
export async function requestGrant(
  credentials: OauthCredentials,
  dispatcher: Dispatcher,
  signal: AbortSignal,
): Promise<Grant> {
  const composed = compose(credentials);
  const provider = `the token endpoint of ${originOf(credentials)}`;
  const { status, text } = await post(credentials.tokenEndpoint, composed, dispatcher, signal).catch(
    (error: unknown) => {
      if (error instanceof MillraceError)
        throw new MillraceError(error.code, `${provider} is not called: ${error.message}`);
      // Not the error itself, which may contain the answer.
      const cause = new Error(describeError(error));
      throw new MillraceError('MILLRACE_KAFKA_UNREACHABLE', `${provider} does not answer`, { cause });
    },
  );
  const answer = parseAnswer(text);
  if (status === 400 || status === 401 || status === 403) {
    const said = describeRefusal(answer, composed.secrets);
    throw new MillraceError('MILLRACE_KAFKA_UNAUTHENTICATED', `${provider} refuses (${status}): ${said}`);
  }
  if (status < 200 || status > 299)
    throw new MillraceError('MILLRACE_KAFKA_UNREACHABLE', `${provider} answers ${status} instead of a token`);
  const { access_token: accessToken, token_type: type = 'Bearer', expires_in: expiresIn } = answer;
  const problem = problemOf(accessToken, type);
  if (problem === undefined) return { accessToken: String(accessToken), lifetimeMs: milliseconds(expiresIn) };
  throw new MillraceError('MILLRACE_KAFKA_UNREACHABLE', `${provider} answers ${status} with ${problem}`);
}

interface Composed {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Secrets in all forms in which they are sent. */
  readonly secrets: readonly string[];
}

function compose(credentials: OauthCredentials): Composed {
  const { clientId, clientSecret, clientAssertion, scope, audience } = credentials;
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (scope !== undefined) form.set('scope', scope);
  if (audience !== undefined) form.set('audience', audience);
  const headers = { ...commonHeaders };
  if (clientAssertion !== undefined) {
    form.set('client_assertion_type', assertionType);
    form.set('client_assertion', clientAssertion);
    if (clientId !== undefined) form.set('client_id', clientId);
    return { headers, body: form.toString(), secrets: [clientAssertion] };
  }
  if (clientId === undefined || clientSecret === undefined)
    throw new MillraceError(
      'MILLRACE_KAFKA_UNAUTHENTICATED',
      `the token endpoint of ${originOf(credentials)} is not called: neither a client with its secret nor an assertion is given`,
    );
  const encoded = encode(clientSecret);
  const basic = Buffer.from(`${encode(clientId)}:${encoded}`).toString('base64');
  const secrets = [basic, encoded, encoded.replaceAll('+', '%20'), clientSecret];
  return { headers: { ...headers, authorization: `Basic ${basic}` }, body: form.toString(), secrets };
}

/** Form encoding, which OAuth requires for HTTP Basic before Base64 (RFC 6749, section 2.3.1). */
function encode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

function originOf({ tokenEndpoint }: OauthCredentials): string {
  return new URL(tokenEndpoint).origin;
}

async function post(
  url: string,
  { headers, body }: Composed,
  dispatcher: Dispatcher,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  const response = await request(url, { method: 'POST', headers, body, dispatcher, signal });
  return { status: response.statusCode, text: await response.body.text() };
}

type Answer = Readonly<Record<string, unknown>>;

/** An answer that is not a JSON object has no fields. */
function parseAnswer(text: string): Answer {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? (answer as Answer) : {};
  } catch {
    return {};
  }
}

/** What the provider says (RFC 6749, section 5.2), as one line without secrets. */
function describeRefusal(
  { error, error_description: description }: Answer,
  secrets: readonly string[],
): string {
  const said = [error, description].filter((part) => typeof part === 'string' && part !== '').join(': ');
  const masked = secrets
    .filter((secret) => secret !== '')
    .reduce((text, secret) => text.replaceAll(secret, '***'), said);
  const line = masked.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').trim();
  if (line === '') return 'it does not say why';
  return line.length <= mostDescription ? line : `${line.slice(0, mostDescription - 1)}…`;
}

/** Why a token cannot be sent to a broker (RFC 7628, section 3.1; RFC 6750, section 2.1). */
function problemOf(accessToken: unknown, type: unknown): string | undefined {
  if (typeof accessToken !== 'string' || accessToken === '') return 'no access_token';
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    return 'a token that is not of the type Bearer';
  if (!/^[\x21-\x7e]+$/.test(accessToken)) return 'a token that has characters other than visible ASCII';
  return undefined;
}

/** Some providers write the number as a string. */
function milliseconds(expiresIn: unknown): number | undefined {
  const seconds = typeof expiresIn === 'string' && expiresIn !== '' ? Number(expiresIn) : expiresIn;
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : undefined;
}
