// Classifies the error codes of Node.js and OpenSSL for TLS handshakes that fail. Pure.

export type TlsFailure =
  /** The certificate of the peer comes from a CA that is not trusted. */
  | 'untrusted'
  | 'other-name'
  | 'expired'
  | 'not-accepted'
  /** The peer does not speak TLS. */
  | 'no-tls'
  /** The peer requires a certificate, and got none. */
  | 'certificate-asked'
  /** The peer got no certificate, or does not accept it: some peers do not say which. */
  | 'certificate-asked-or-refused'
  | 'certificate-refused'
  | 'handshake';

const failures: readonly (readonly [code: RegExp, failure: TlsFailure])[] = [
  [/^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_)/, 'untrusted'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'other-name'],
  [/^CERT_HAS_EXPIRED$/, 'expired'],
  [/^CERT_/, 'not-accepted'],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH/, 'no-tls'],
  [/ALERT_CERTIFICATE_REQUIRED/, 'certificate-asked'],
  // Java also sends this to a client without a certificate.
  [/ALERT_BAD_CERT/, 'certificate-asked-or-refused'],
  [/ALERT_(UNKNOWN_CA|CERT|NO_CERT|UNSUPPORTED_CERT)|ALERT_ACCESS/, 'certificate-refused'],
  [/ALERT|^ERR_SSL|^ERR_TLS|^EPROTO$|^ERR_OSSL/, 'handshake'],
];

/** Undefined if `code` is not an error of TLS. */
export function tlsFailureOf(code: string): TlsFailure | undefined {
  return failures.find(([pattern]) => pattern.test(code))?.[1];
}

/** The first line of a message; of a message of OpenSSL only its reason, without the place in the sources. */
export function tlsDetailOf({ message }: Error): string {
  const [line = ''] = message.split('\n', 1);
  return line.replace(/^[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]*):.*$/, '$1').slice(0, 300);
}
