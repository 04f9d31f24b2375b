// The gateway's settings: read from the environment once, all mistakes told at once, then frozen.
import { parseDuration } from './contract/duration.ts';
import { MillraceError } from './contract/errors.ts';
import { parseQuantity } from './contract/quantity.ts';
import { logLevels, parseBrokers, parseLogLevel, parsePort, type LogLevel } from './contract/settings.ts';

export interface GatewayConfig {
  /** `host:port`, at least one. */
  readonly kafkaBrokers: readonly string[];
  /** File or folder with the manifests. */
  readonly triggersPath: string;
  readonly adminHost: string;
  /** 0: any free port. */
  readonly adminPort: number;
  /** Activation endpoints of the scalers; none: only KEDA's poll wakes functions. */
  readonly scalerUrls: readonly string[];
  readonly drainLimitMs: number;
  readonly maxRecordsPerTrigger: number;
  readonly maxBytesPerTrigger: number;
  readonly maxRecords: number;
  readonly maxBytes: number;
  /** Whoever bears it may change what the gateway does, from anywhere; undefined: only from where it runs. */
  readonly adminToken: string | undefined;
  readonly logLevel: LogLevel;
}

/** Every setting: variable, default, what it is; docs/reference/configuration.md is made of this table. */
export const gatewaySettings = {
  KAFKA_BROKERS: { default: '', help: 'Brokers to start from, `host:port`, separated by commas. Required.' },
  MILLRACE_TRIGGERS: { default: '', help: 'File or folder with the manifests. Required.' },
  MILLRACE_ADMIN_HOST: { default: '127.0.0.1', help: 'Address that metrics and health are served on.' },
  MILLRACE_ADMIN_PORT: {
    default: '9464',
    help: 'Port that metrics and health are served on; 0 takes a free one.',
  },
  MILLRACE_ADMIN_TOKEN: {
    default: '',
    help: 'Who bears it (`Authorization: Bearer`) may skip records from elsewhere than where the gateway runs; at least 16 characters.',
  },
  SCALER_URLS: {
    default: '',
    help: 'Scalers to tell when records wait for a sleeping function, URLs separated by commas; a name that resolves to several addresses means all of them.',
  },
  MILLRACE_DRAIN_LIMIT: {
    default: 'PT25S',
    help: 'How long a stop waits for what is in flight; keep it below the grace period of the pod.',
  },
  MILLRACE_MAX_RECORDS_PER_TRIGGER: {
    default: '10000',
    help: 'Records of one trigger that may lie in memory.',
  },
  MILLRACE_MAX_BYTES_PER_TRIGGER: { default: '32Mi', help: 'Bytes of one trigger that may lie in memory.' },
  MILLRACE_MAX_RECORDS: { default: '200000', help: 'Records of all triggers that may lie in memory.' },
  MILLRACE_MAX_BYTES: { default: '256Mi', help: 'Bytes of all triggers that may lie in memory.' },
  LOG_LEVEL: { default: 'info', help: 'trace, debug, info, warn, error or silent.' },
} as const;

type Name = keyof typeof gatewaySettings;

/** Throws MILLRACE_CONFIG_INVALID that lists every mistake. An empty variable counts as absent. */
export function parseGatewayConfig(env: Readonly<Record<string, string | undefined>>): GatewayConfig {
  const mistakes: string[] = [];
  const read = <T>(name: Name, parse: (text: string) => T | undefined, expected: string): T => {
    const text = env[name]?.trim() || gatewaySettings[name].default;
    const value = parse(text);
    if (value === undefined) mistakes.push(`${name} is ${JSON.stringify(text)}, expected ${expected}`);
    return value as T;
  };
  const adminToken = env.MILLRACE_ADMIN_TOKEN?.trim() || undefined;
  if (adminToken !== undefined && !/^[\x21-\x7e]{16,}$/.test(adminToken))
    mistakes.push('MILLRACE_ADMIN_TOKEN has to have at least 16 characters, visible ones of ASCII');
  const config: GatewayConfig = {
    kafkaBrokers: read('KAFKA_BROKERS', parseBrokers, 'host:port, separated by commas'),
    triggersPath: read(
      'MILLRACE_TRIGGERS',
      (text) => text || undefined,
      'a file or a folder (or --triggers)',
    ),
    adminHost: read('MILLRACE_ADMIN_HOST', (text) => text, 'an address'),
    adminPort: read('MILLRACE_ADMIN_PORT', parsePort, 'a port from 0 to 65535'),
    scalerUrls: read('SCALER_URLS', parseUrls, 'http:// or https:// URLs, separated by commas'),
    drainLimitMs: read('MILLRACE_DRAIN_LIMIT', parseDuration, 'a duration such as PT25S'),
    maxRecordsPerTrigger: read('MILLRACE_MAX_RECORDS_PER_TRIGGER', parseCount, 'a whole number above 0'),
    maxBytesPerTrigger: read('MILLRACE_MAX_BYTES_PER_TRIGGER', parseQuantity, 'a size such as 32Mi'),
    maxRecords: read('MILLRACE_MAX_RECORDS', parseCount, 'a whole number above 0'),
    maxBytes: read('MILLRACE_MAX_BYTES', parseQuantity, 'a size such as 256Mi'),
    adminToken,
    logLevel: read('LOG_LEVEL', parseLogLevel, `one of ${logLevels.join(', ')}`),
  };
  if (mistakes.length > 0) throw new MillraceError('MILLRACE_CONFIG_INVALID', mistakes.join('; '));
  return Object.freeze(config);
}

function parseUrls(text: string): string[] | undefined {
  const urls = text === '' ? [] : text.split(',').map((one) => one.trim());
  return urls.every((one) => /^https?:\/\//.test(one) && URL.canParse(one)) ? urls : undefined;
}

function parseCount(text: string): number | undefined {
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
}
