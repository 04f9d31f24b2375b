// Which Kafka a command works with, where it has none of its own.
import { MillraceError } from '../../gateway/contract/errors.ts';

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
