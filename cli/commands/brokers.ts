// Which Kafka a command works with, where it has none of its own.
import { MillraceError } from '../../core/contract/errors.ts';
import { openOwnConnection } from '../../core/kafka/connection/own-connection.ts';
import type { ConnectionSettings } from '../../core/kafka/connection/kafka-client.ts';

/** @throws MillraceError `MILLRACE_CONFIG_INVALID` where `KAFKA_BROKERS` names none */
export function brokersIn(env: NodeJS.ProcessEnv): string[] {
  const brokers = (env.KAFKA_BROKERS ?? '')
    .split(',')
    .map((broker) => broker.trim())
    .filter(Boolean);
  if (brokers.length > 0) return brokers;
  throw new MillraceError(
    'MILLRACE_CONFIG_INVALID',
    'KAFKA_BROKERS is not set: host:port, separated by commas',
  );
}

/** By the file that `--config` or KAFKA_CONFIG names, and KAFKA_BROKERS. The caller closes its security. */
export function connectionIn(
  env: NodeJS.ProcessEnv,
  config: string | undefined,
  clientId: string,
): Promise<ConnectionSettings> {
  const configPath = config ?? (env.KAFKA_CONFIG || undefined);
  const brokers = configPath !== undefined && !env.KAFKA_BROKERS ? undefined : brokersIn(env);
  return openOwnConnection({ brokers, configPath, clientId });
}
