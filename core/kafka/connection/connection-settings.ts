// Where a cluster is and how connections to it are secured: what all clients of it in this process are made of.
import type { Credentials, GroupProtocol } from '../../contract/kafka-access.ts';
import type { RotatingCredentials } from '../../credentials/rotating-credentials.ts';
import type { ConnectGuard } from '../../network/connect-guard.ts';
import type { Sasl } from './security/sasl.ts';

/** How connections to one cluster are secured, for all clients of it in this process. */
export interface Security {
  readonly credentials: RotatingCredentials<Credentials>;
  /** Undefined: no SASL. */
  readonly sasl: Sasl | undefined;
  /** After all clients that use it. */
  close(): Promise<void>;
}

export interface ConnectionSettings {
  /** `host:port`, at least one; an IPv6 address stands in brackets. */
  readonly brokers: readonly string[];
  /** Seen in the brokers' logs, quotas and metrics. */
  readonly clientId: string;
  /** Stays the caller's to close. Absent: plain text, as nobody. */
  readonly security?: Security | undefined;
  /** Where a tenant names the brokers; absent: they may be anywhere. */
  readonly guard?: ConnectGuard | undefined;
  /** Where this process is, as brokers have it in `broker.rack` (KIP-392); absent: unknown. */
  readonly rackId?: string | undefined;
  /** Absent: `auto`. */
  readonly groupProtocol?: GroupProtocol | undefined;
}

/** Milliseconds to connect to a broker; what Java's clients have as `socket.connection.setup.timeout.ms`. */
export const connectTimeoutMs = 10_000;

export type ClientLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields: Record<string, unknown>,
) => void;
