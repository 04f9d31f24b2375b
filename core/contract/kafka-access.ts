// How a Kafka cluster is reached: where its brokers are, and how connections to them are secured. Access is declared, and names what is
// secret; credentials are what the names lead to.

/** A key of a Secret in the namespace of whoever names it. */
export interface SecretValue {
  readonly secretName: string;
  readonly key: string;
}

/** What a KafkaCluster says. Nothing in it is secret. */
export interface KafkaAccess {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  /** Where its Secrets are. */
  readonly namespace: string;
  /** Absent: plain text. */
  readonly tls?: TlsAccess | undefined;
  readonly authentication?: Authentication | undefined;
}

export interface TlsAccess {
  /** Authorities to trust, PEM; absent: those that Node.js knows. */
  readonly ca?: SecretValue | undefined;
  /** Whether a certificate must be for the name that is connected to. */
  readonly verifyHostname: boolean;
}

export type PasswordMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512';

export type Authentication =
  | { readonly type: PasswordMechanism; readonly username: string; readonly password: SecretValue }
  | {
      readonly type: 'tls';
      /** PEM: the certificate, and after it those that lead to an authority. */
      readonly certificate: SecretValue;
      readonly key: SecretValue;
      readonly keyPassword?: SecretValue | undefined;
    }
  | OauthAuthentication;

/** Client credentials (RFC 6749, section 4.4) by a secret, or by an assertion (RFC 7523, section 2.2). */
export interface OauthAuthentication extends OauthSettings {
  readonly type: 'oauthbearer';
  readonly clientSecret?: SecretValue | undefined;
  /** A token of a ServiceAccount of the namespace, for this audience, instead of a secret. */
  readonly clientAssertion?: ServiceAccountToken | undefined;
  /** Authorities to trust at the token endpoint, PEM; absent: those that Node.js knows. */
  readonly ca?: SecretValue | undefined;
}

export interface ServiceAccountToken {
  readonly serviceAccountName: string;
  readonly audience: string;
}

export interface OauthSettings {
  readonly tokenEndpoint: string;
  /** An assertion may do without. */
  readonly clientId?: string | undefined;
  readonly scope?: string | undefined;
  readonly audience?: string | undefined;
  /** SASL extensions (RFC 7628, section 3.1) that go to the broker with the token. */
  readonly extensions?: Readonly<Record<string, string>> | undefined;
}

/** What connections show and trust. It holds secrets: never told, logged or shown. */
export interface Credentials {
  /** Absent: plain text. */
  readonly tls?: TlsCredentials | undefined;
  readonly sasl?: SaslCredentials | undefined;
}

/** All PEM. */
export interface TlsCredentials {
  readonly ca?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly keyPassword?: string | undefined;
  readonly verifyHostname: boolean;
}

export type SaslCredentials =
  | { readonly mechanism: PasswordMechanism; readonly username: string; readonly password: string }
  | OauthCredentials;

export interface OauthCredentials extends OauthSettings {
  readonly mechanism: 'oauthbearer';
  readonly clientSecret?: string | undefined;
  /** A JWT. */
  readonly clientAssertion?: string | undefined;
  /** PEM. */
  readonly ca?: string | undefined;
}

/** `host:port`, separated by commas, at least one; an IPv6 address stands in brackets. */
export function parseBrokers(text: string): readonly string[] | undefined {
  const brokers = text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  return brokers.length > 0 && brokers.every(isAddress) ? brokers : undefined;
}

function isAddress(text: string): boolean {
  const port = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/]+):(\d{1,5})$/.exec(text)?.[1];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}
