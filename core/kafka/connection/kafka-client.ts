// How Millrace connects to Kafka: once, for consumers, producers and admin calls of gateway, scaler and CLI alike.
import { Kafka, logLevel, type LogEntry } from 'kafkajs';
import type { Credentials } from '../../contract/kafka-access.ts';
import type { RotatingCredentials } from '../../credentials/rotating-credentials.ts';
import type { ConnectGuard } from '../../network/connect-guard.ts';
import { mendReadCommitted } from '../fetch/aborted-transactions.ts';
import { registerCodecs } from '../fetch/codecs.ts';
import type { SaslOptions } from './sasl.ts';
import { createSocketFactory } from './sockets.ts';

/** How connections to one cluster are secured, for all clients of it in this process. */
export interface Security {
  readonly credentials: RotatingCredentials<Credentials>;
  /** Undefined: no SASL. */
  readonly sasl: SaslOptions | undefined;
  /** After all clients that use it. */
  close(): Promise<void>;
}

export interface ConnectionSettings {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  /** Seen in the brokers' logs, quotas and metrics. */
  readonly clientId: string;
  /** Stays the caller's to close. Absent: plain text, as nobody. */
  readonly security?: Security | undefined;
  /** Where a tenant names the brokers; absent: they may be anywhere. */
  readonly guard?: ConnectGuard | undefined;
}

export type ClientLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields: Record<string, unknown>,
) => void;

/**
 * A Kafka client. All that it says itself goes to `log` as `debug`: what matters of it reaches our log through the
 * component that the client works for, once and with a remedy.
 */
export function createKafka(settings: ConnectionSettings, log?: ClientLog): Kafka {
  const { brokers, clientId, security, guard } = settings;
  registerCodecs();
  mendReadCommitted();
  return new Kafka({
    clientId,
    brokers: [...brokers],
    socketFactory: createSocketFactory({ credentials: security?.credentials, guard }),
    ...(security?.sasl === undefined ? {} : { sasl: security.sasl }),
    connectionTimeout: 3_000,
    requestTimeout: 30_000,
    // Less than what is left of any token that is shown (credentials/oauth-tokens.ts): a session that ends as soon as it begins would begin for ever.
    reauthenticationThreshold: 2_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
    logLevel: log === undefined ? logLevel.NOTHING : logLevel.WARN,
    logCreator: () => (entry: LogEntry) => {
      const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...fields } = entry.log;
      log?.('debug', message, { namespace: entry.namespace, ...fields });
    },
  });
}
