// Why a broker does not let us in, or not do what we ask: errors of TLS by the codes of Node.js, those of SASL and ACLs by the names that Kafka has
// for them. They repeat the words of what they are made of, so they have no cause.
import { errorTable, MillraceError, type ErrorCode } from '../../../contract/errors.ts';
import { tlsDetailOf, tlsFailureOf, type TlsFailure } from '../../../network/tls-failure.ts';

/** Undefined where nobody has refused anything. */
export function explainRefusal(error: unknown): MillraceError | undefined {
  for (let within = error; within instanceof Error; within = within.cause) {
    if (within instanceof MillraceError) return within;
    const found = ownOf(within) ?? explainTls(within) ?? explainSasl(within) ?? explainRight(within);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Our own error, of which kafkajs has kept the code and the message. */
function ownOf(error: Error): MillraceError | undefined {
  const code = codeOf(error);
  if (!Object.hasOwn(errorTable, code)) return undefined;
  const refused = code === 'MILLRACE_ADDRESS_REFUSED' && 'broker' in error;
  const message = refused
    ? `the broker ${String(error.broker)} is not connected to: ${detailOf(error)}`
    : detailOf(error);
  return new MillraceError(code as ErrorCode, message);
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Without what kafkajs writes before it. */
function detailOf({ message }: Error): string {
  return tlsDetailOf(new Error(message.replace(/^(Connection error|Failed to connect): /, '')));
}

const tlsMeanings: Readonly<Record<TlsFailure, string>> = {
  untrusted:
    'the certificate of the broker is of an authority that is not trusted: see tls.ca, or ssl.truststore',
  'other-name': 'the certificate of the broker is for another host name',
  expired: 'the certificate of the broker has expired',
  'not-accepted': 'the certificate of the broker is not accepted',
  'no-tls': 'the listener does not speak TLS, or is no Kafka',
  'certificate-asked': 'the broker asks for a client certificate: see authentication.type tls',
  'certificate-asked-or-refused':
    'the broker asks for a client certificate, or does not accept ours: see authentication.type tls',
  'certificate-refused': 'the broker does not accept our certificate',
  handshake: 'the handshake failed',
};

function explainTls(error: Error): MillraceError | undefined {
  const code = codeOf(error);
  const failure = tlsFailureOf(code);
  if (failure === undefined) return undefined;
  return unauthenticated(`no TLS connection to Kafka: ${tlsMeanings[failure]} (${code}: ${detailOf(error)})`);
}

/** Before anybody has said who he is. */
const saslStates: Readonly<Record<string, string>> = {
  UNSUPPORTED_SASL_MECHANISM: 'the listener has no such way to authenticate: see authentication.type',
  ILLEGAL_SASL_STATE: 'the listener asks for no SASL: see authentication',
};

function explainSasl(error: Error): MillraceError | undefined {
  const state = saslStates[typeOf(error)];
  return state === undefined ? undefined : unauthenticated(`${state} (${detailOf(error)})`);
}

function typeOf(error: Error): string {
  return 'type' in error && typeof error.type === 'string' ? error.type : '';
}

const rights: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: 'the topic',
  GROUP_AUTHORIZATION_FAILED: 'the consumer group',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'the transactional id',
  CLUSTER_AUTHORIZATION_FAILED: 'the cluster',
};

function explainRight(error: Error): MillraceError | undefined {
  const what = rights[typeOf(error)];
  if (what === undefined) return undefined;
  const message = `Kafka does not allow our user what it needs of ${what}: ${detailOf(error)}`;
  return new MillraceError('MILLRACE_KAFKA_FORBIDDEN', message);
}

function unauthenticated(message: string): MillraceError {
  return new MillraceError('MILLRACE_KAFKA_UNAUTHENTICATED', message);
}

/** What our user lacks of which topics. */
export function topicsForbidden(
  right: 'describe' | 'read' | 'write',
  names: readonly string[],
): MillraceError {
  const list = names.map((topic) => `"${topic}"`).join(', ');
  const topics = names.length === 1 ? `the topic ${list}` : `each of the topics ${list}`;
  return new MillraceError('MILLRACE_KAFKA_FORBIDDEN', `Kafka does not allow our user to ${right} ${topics}`);
}
