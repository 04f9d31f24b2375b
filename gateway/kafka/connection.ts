// How Millrace connects to Kafka: once, for consumers, producers and admin calls of gateway, scaler and CLI alike.
import { Kafka, logLevel, type LogEntry } from 'kafkajs';
import { mendReadCommitted } from './aborted.ts';
import { registerCodecs } from './codecs.ts';

export interface ConnectionSettings {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  /** Seen in the brokers' logs, quotas and metrics. */
  readonly clientId: string;
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
  registerCodecs();
  mendReadCommitted();
  return new Kafka({
    clientId: settings.clientId,
    brokers: [...settings.brokers],
    connectionTimeout: 3_000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
    logLevel: log === undefined ? logLevel.NOTHING : logLevel.WARN,
    logCreator: () => (entry: LogEntry) => {
      const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...fields } = entry.log;
      log?.('debug', message, { namespace: entry.namespace, ...fields });
    },
  });
}
