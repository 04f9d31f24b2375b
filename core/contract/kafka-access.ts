// How to connect to a Kafka cluster: its brokers, TLS and authentication. `KafkaAccess` refers to Secrets; `Credentials` hold the values of
// these Secrets.

/** A key of a Secret in the namespace of the resource that refers to it. */
export interface SecretValue {
  readonly secretName: string;
  readonly key: string;
}

/** By which protocol members join consumer groups. `auto`: `consumer` (KIP-848) where brokers and group allow it, else `classic`. */
export const groupProtocols = ['auto', 'consumer', 'classic'] as const;
export type GroupProtocol = (typeof groupProtocols)[number];

/** The settings of a KafkaCluster. Nothing in it is secret. */
export interface KafkaAccess {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  /** The namespace of its Secrets. */
  readonly namespace: string;
  /** Absent: connections are plain text. */
  readonly tls?: TlsAccess | undefined;
  readonly authentication?: Authentication | undefined;
  /** Absent: `auto`. */
  readonly groupProtocol?: GroupProtocol | undefined;
}

export interface TlsAccess {
  /** Certificate authorities to trust, PEM. Absent: those that Node.js trusts by default. */
  readonly ca?: SecretValue | undefined;
  /** Whether the certificate of a broker must have its host name. */
  readonly verifyHostname: boolean;
}

export type PasswordMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512';

export type Authentication =
  | { readonly type: PasswordMechanism; readonly username: string; readonly password: SecretValue }
  | {
      readonly type: 'tls';
      /** PEM: the certificate, followed by its intermediate certificates. */
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
  /** Certificate authorities to trust at the token endpoint, PEM. Absent: those that Node.js trusts by default. */
  readonly ca?: SecretValue | undefined;
}

export interface ServiceAccountToken {
  readonly serviceAccountName: string;
  readonly audience: string;
}

export interface OauthSettings {
  readonly tokenEndpoint: string;
  /** Optional with an assertion, which may name the client itself. */
  readonly clientId?: string | undefined;
  readonly scope?: string | undefined;
  readonly audience?: string | undefined;
  /** SASL extensions (RFC 7628, section 3.1) that go to the broker with the token. */
  readonly extensions?: Readonly<Record<string, string>> | undefined;
}

/** The credentials for connections to brokers. It holds secrets: never log or print it. */
export interface Credentials {
  /** Absent: connections are plain text. */
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

/** Parses `host:port`, separated by commas, at least one; an IPv6 address stands in brackets. Undefined if `text` is something else. */
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
