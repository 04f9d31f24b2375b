import t from 'tap';
import { MillraceError } from '../../../../../core/contract/errors.ts';
import { KafkaError } from '../../../../../core/kafka/protocol/kafka-error.ts';
import { explainRefusal } from '../../../../../core/kafka/connection/security/security-errors.ts';

/** As kafkajs wraps it: the last of many tries, because of a connection that failed. */
function wrapped(message: string, fields: object): Error {
  const cause = Object.assign(new Error(`Connection error: ${message}`), fields);
  return new Error('gave up', { cause: new Error('tried 5 times', { cause }) });
}

t.test('a handshake that fails is told by what it means, with what OpenSSL calls it', async (t) => {
  for (const [code, meaning] of [
    ['SELF_SIGNED_CERT_IN_CHAIN', /of an authority that is not trusted/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /of an authority that is not trusted/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /for another host name/],
    ['CERT_HAS_EXPIRED', /has expired/],
    ['CERT_NOT_YET_VALID', /is not accepted/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /does not speak TLS/],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', /asks for a client certificate/],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', /does not accept our certificate/],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', /the handshake failed/],
  ] as const) {
    const refusal = explainRefusal(wrapped('as OpenSSL says', { code }));
    t.match(refusal, { code: 'MILLRACE_KAFKA_UNAUTHENTICATED', message: meaning }, code);
    t.ok(refusal?.message.endsWith(`(${code}: as OpenSSL says)`), code);
  }
});

t.test('credentials and rights that are lacking', async (t) => {
  for (const [code, message] of [
    [33, 'the listener has no such way to authenticate: see authentication.type (SASL PLAIN)'],
    [34, 'the listener asks for no SASL: see authentication (SASL PLAIN)'],
  ] as const)
    t.match(explainRefusal(new KafkaError(code, 'SASL PLAIN')), {
      code: 'MILLRACE_KAFKA_UNAUTHENTICATED',
      message,
    });
  for (const [type, what] of [
    ['TOPIC_AUTHORIZATION_FAILED', /the topic/],
    ['GROUP_AUTHORIZATION_FAILED', /the consumer group/],
    ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', /the transactional id/],
    ['CLUSTER_AUTHORIZATION_FAILED', /the cluster/],
  ] as const)
    t.match(explainRefusal(wrapped('no', { type })), { code: 'MILLRACE_KAFKA_FORBIDDEN', message: what });
});

t.test(
  'an error of ours is told as it is, also where kafkajs has kept its code and words alone',
  async (t) => {
    const own = new MillraceError('MILLRACE_CREDENTIALS_UNUSABLE', 'the Secret is not there');
    t.equal(explainRefusal(new Error('gave up', { cause: own })), own);
    t.match(explainRefusal(wrapped(own.message, { code: own.code })), {
      code: own.code,
      message: 'the Secret is not there',
    });
    const refused = { code: 'MILLRACE_ADDRESS_REFUSED', broker: 'localhost:9092' };
    t.match(explainRefusal(wrapped('localhost resolves to ::1, which is a loopback address', refused)), {
      code: refused.code,
      message:
        'the broker localhost:9092 is not connected to: localhost resolves to ::1, which is a loopback address',
    });
  },
);

t.test('whoever is away has refused nothing', async (t) => {
  for (const error of [undefined, 'gone', wrapped('connect ECONNREFUSED', { code: 'ECONNREFUSED' })])
    t.equal(explainRefusal(error), undefined);
});
