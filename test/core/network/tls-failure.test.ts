import t from 'tap';
import { tlsDetailOf, tlsFailureOf } from '../../../core/network/tls-failure.ts';

t.test('codes of Node.js and OpenSSL have their failure', async (t) => {
  for (const [code, failure] of [
    ['SELF_SIGNED_CERT_IN_CHAIN', 'untrusted'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'untrusted'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'other-name'],
    ['CERT_HAS_EXPIRED', 'expired'],
    ['CERT_NOT_YET_VALID', 'not-accepted'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'no-tls'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'certificate-asked'],
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'certificate-asked-or-refused'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'certificate-refused'],
    ['EPROTO', 'handshake'],
    ['ECONNREFUSED', undefined],
    ['', undefined],
  ] as const)
    t.equal(tlsFailureOf(code), failure, code);
});

t.test('the detail is the first line of a message, or the reason of OpenSSL', async (t) => {
  const openssl =
    '40D7F4:error:0A000410:SSL routines:ssl3_read_bytes:ssl alert handshake failure:../deps/a.c:1605:';
  t.equal(tlsDetailOf(new Error(openssl)), 'ssl alert handshake failure');
  t.equal(tlsDetailOf(new Error('certificate has expired\nmore')), 'certificate has expired');
  t.equal(tlsDetailOf(new Error('')), '');
});
