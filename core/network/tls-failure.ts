// What goes wrong in a TLS handshake, as Node.js and OpenSSL call it, and what it means to whoever connects.

export type TlsFailure =
  /** The certificate of the peer is of an authority that is not trusted. */
  | 'untrusted'
  | 'other-name'
  | 'expired'
  | 'not-accepted'
  /** The peer does not speak TLS. */
  | 'no-tls'
  /** The peer asks for a certificate, and has got none. */
  | 'certificate-asked'
  /** The same, or it does not accept the one that it has got: some say no more. */
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
  // Java says this, too, to a client that shows none.
  [/ALERT_BAD_CERT/, 'certificate-asked-or-refused'],
  [/ALERT_(UNKNOWN_CA|CERT|NO_CERT|UNSUPPORTED_CERT)|ALERT_ACCESS/, 'certificate-refused'],
  [/ALERT|^ERR_SSL|^ERR_TLS|^EPROTO$|^ERR_OSSL/, 'handshake'],
];

/** Undefined for the code of an error that is none of TLS. */
export function tlsFailureOf(code: string): TlsFailure | undefined {
  return failures.find(([pattern]) => pattern.test(code))?.[1];
}

/** The first line of a message, without where in its sources OpenSSL is: only what it calls it. */
export function tlsDetailOf({ message }: Error): string {
  const [line = ''] = message.split('\n', 1);
  return line.replace(/^[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]*):.*$/, '$1').slice(0, 300);
}
