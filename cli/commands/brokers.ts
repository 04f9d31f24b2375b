// The brokers that a command connects to, from its options and environment.
import { MillraceError } from '../../core/contract/errors.ts';
import { openInstallationConnection } from '../../core/kafka/connection/installation-connection.ts';
import type { ConnectionSettings } from '../../core/kafka/connection/connection-settings.ts';
import type { createKafka } from '../../core/kafka/administration/kafka-client.ts';
import { explainRefusal } from '../../core/kafka/connection/security/security-errors.ts';

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

type KafkaClient = ReturnType<typeof createKafka>;

/** Asks the brokers, and says in words why they do not answer. */
export async function withAdmin<T>(
  kafka: KafkaClient,
  use: (admin: ReturnType<KafkaClient['admin']>) => Promise<T>,
): Promise<T> {
  const admin = kafka.admin({ retry: { retries: 2 } });
  let isConnected = false;
  try {
    await admin.connect();
    isConnected = true;
    return await use(admin);
  } catch (cause) {
    const refusal = explainRefusal(cause);
    if (refusal !== undefined || isConnected) throw refusal ?? cause;
    throw new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'no broker answers', { cause });
  } finally {
    await admin.disconnect();
  }
}
