// The brokers that a command connects to, from its options and environment.
import { MillraceError } from '../../core/contract/errors.ts';
import { openInstallationConnection } from '../../core/kafka/connection/installation-connection.ts';
import type { ConnectionSettings } from '../../core/kafka/connection/kafka-client.ts';

/** @throws MillraceError `MILLRACE_CONFIG_INVALID` if `KAFKA_BROKERS` names no broker */
export function brokersIn(env: NodeJS.ProcessEnv): string[] {
  const brokers = (env.KAFKA_BROKERS ?? '')
    .split(',')
    .map((broker) => broker.trim())
    .filter(Boolean);
  if (brokers.length > 0) return brokers;
  throw new MillraceError(
    'MILLRACE_CONFIG_INVALID',
    'KAFKA_BROKERS is not set: write host:port, separated by commas',
  );
}

/** Connection settings from KAFKA_BROKERS and the file that `--config` or KAFKA_CONFIG names. The caller closes their `security`. */
export function connectionIn(
  env: NodeJS.ProcessEnv,
  config: string | undefined,
  clientId: string,
): Promise<ConnectionSettings> {
  const configPath = config ?? (env.KAFKA_CONFIG || undefined);
  const brokers = configPath !== undefined && !env.KAFKA_BROKERS ? undefined : brokersIn(env);
  return openInstallationConnection({ brokers, configPath, clientId });
}
