// The scaler's settings: the only reader of process.env here; validated once, frozen.
import { parseAccessSettings, type AccessConfig } from '../core/access/access-settings.ts';
import { MillraceError } from '../core/contract/errors.ts';
import { withoutCredentials } from '../core/contract/problem.ts';
import { logLevels, parseLogLevel, parsePort, type LogLevel } from '../core/process/settings.ts';
import { parseBrokers } from '../core/contract/kafka-access.ts';
import type { TlsFiles } from '../core/access/certificate-files.ts';
import {
  isInKubernetes,
  parseKubernetesConfig,
  type KubernetesConfig,
} from '../controller/controller-settings.ts';

export interface ScalerConfig {
  /** `host:port`; undefined where `kafkaConfigPath` says it. */
  readonly kafkaBrokers: readonly string[] | undefined;
  /** A file of Kafka's client properties: how connections to the installation's own cluster are secured. */
  readonly kafkaConfigPath?: string | undefined;
  /** A file of manifests, or a folder of them; absent where triggers come from elsewhere. */
  readonly triggersPath?: string | undefined;
  /** Where triggers come from a cluster, in which the controller makes what they mean. */
  readonly kubernetes?: KubernetesConfig | undefined;
  /** The address that both ports listen at. */
  readonly host: string;
  /** 0 for any free port; so for `httpPort`. */
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Of both ports, its client CA of the gRPC port; plain text when absent. */
  readonly tls?: TlsFiles | undefined;
  /** Who may come to the HTTP port. */
  readonly access: AccessConfig;
  readonly logLevel: LogLevel;
}

/**
 * Settings from `env`: KAFKA_BROKERS (comma-separated, required unless
 * KAFKA_CONFIG names them), KAFKA_CONFIG, MILLRACE_TRIGGERS, SCALER_HOST (0.0.0.0),
 * SCALER_GRPC_PORT (6000), SCALER_HTTP_PORT (8081), SCALER_TLS_CERT, SCALER_TLS_KEY, SCALER_TLS_CLIENT_CA,
 * LOG_LEVEL (info), those of core/access/access-settings.ts, MILLRACE_KUBERNETES (false) and with it those of
 * controller/controller-settings.ts. An empty value is an absent one.
 * @throws MillraceError MILLRACE_CONFIG_INVALID that names all mistakes at once
 */
export function readScalerConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): ScalerConfig {
  const mistakes: string[] = [];
  const kubernetes = isInKubernetes(env, mistakes) ? parseKubernetesConfig(env, mistakes) : undefined;
  const config: ScalerConfig = Object.freeze({
    kafkaBrokers:
      env.KAFKA_CONFIG && !env.KAFKA_BROKERS
        ? undefined
        : Object.freeze(brokersIn(env.KAFKA_BROKERS, mistakes)),
    kafkaConfigPath: env.KAFKA_CONFIG || undefined,
    triggersPath: env.MILLRACE_TRIGGERS || undefined,
    kubernetes,
    host: env.SCALER_HOST || '0.0.0.0',
    grpcPort: portIn(env, 'SCALER_GRPC_PORT', 6000, mistakes),
    httpPort: portIn(env, 'SCALER_HTTP_PORT', 8081, mistakes),
    tls: tlsIn(env, mistakes),
    access: parseAccessSettings(env, kubernetes !== undefined, mistakes),
    logLevel: logLevelIn(env.LOG_LEVEL, mistakes),
  });
  if (config.grpcPort === config.httpPort && config.grpcPort !== 0) {
    mistakes.push(`SCALER_GRPC_PORT and SCALER_HTTP_PORT are both ${config.grpcPort}`);
  }
  if (mistakes.length > 0) throw new MillraceError('MILLRACE_CONFIG_INVALID', mistakes.join('; '));
  return config;
}

function brokersIn(text: string | undefined, mistakes: string[]): readonly string[] {
  const brokers = parseBrokers(text ?? '');
  const found = text ? `'${withoutCredentials(text)}'` : 'missing';
  if (brokers === undefined) mistakes.push(`KAFKA_BROKERS is ${found}: host:port, comma-separated`);
  return brokers ?? [];
}

function portIn(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  absent: number,
  mistakes: string[],
): number {
  const text = env[name] || String(absent);
  const port = parsePort(text);
  if (port === undefined) mistakes.push(`${name} is '${text}': a port is a whole number from 0 to 65535`);
  return port ?? absent;
}

function logLevelIn(text: string | undefined, mistakes: string[]): LogLevel {
  const level = parseLogLevel(text || 'info');
  if (level === undefined) mistakes.push(`LOG_LEVEL is '${text}': one of ${logLevels.join(', ')}`);
  return level ?? 'info';
}

function tlsIn(env: Readonly<Record<string, string | undefined>>, mistakes: string[]): TlsFiles | undefined {
  const { SCALER_TLS_CERT: certPath, SCALER_TLS_KEY: keyPath, SCALER_TLS_CLIENT_CA: clientCaPath } = env;
  if (certPath && keyPath) return { certPath, keyPath, clientCaPath: clientCaPath || undefined };
  if (certPath || keyPath)
    mistakes.push('SCALER_TLS_CERT and SCALER_TLS_KEY go together: set both, or neither');
  else if (clientCaPath) mistakes.push('SCALER_TLS_CLIENT_CA needs SCALER_TLS_CERT and SCALER_TLS_KEY');
  return undefined;
}
