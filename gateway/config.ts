// The gateway's settings: read from the environment once, all mistakes told at once, then frozen.
import { accessSettings, parseAccessSettings, type AccessConfig } from '../core/access/access-settings.ts';
import { parseDuration } from '../core/resources/schema/duration.ts';
import { MillraceError } from '../core/contract/errors.ts';
import { withoutCredentials } from '../core/contract/problem.ts';
import { parseQuantity } from '../core/resources/schema/quantity.ts';
import {
  functionUris,
  parseFunctionUris,
  parseTenantAddresses,
  tenantAddresses,
  type FunctionUris,
  type TenantAddresses,
} from '../core/network/tenant-address.ts';
import { logLevels, parseLogLevel, parsePort, type LogLevel } from '../core/process/settings.ts';
import { parseBrokers } from '../core/contract/kafka-access.ts';

export interface GatewayConfig {
  /** `host:port`; undefined where `kafkaConfigPath` says it. */
  readonly kafkaBrokers: readonly string[] | undefined;
  /** A file of Kafka's client properties: how connections to the installation's own cluster are secured. */
  readonly kafkaConfigPath: string | undefined;
  /** File or folder with the manifests; undefined where triggers come from Kubernetes. */
  readonly triggersPath: string | undefined;
  /** Undefined: everything runs on one machine. */
  readonly kubernetes: KubernetesConfig | undefined;
  readonly adminHost: string;
  /** 0: any free port. */
  readonly adminPort: number;
  /** PEM files of the admin port; undefined: plain text. */
  readonly adminTls: { readonly certPath: string; readonly keyPath: string } | undefined;
  /** Who may come to it. */
  readonly access: AccessConfig;
  /** Activation endpoints of the scalers; none: only KEDA's poll wakes functions. */
  readonly scalerUrls: readonly string[];
  /** PEM file of the authorities that scalers are trusted by; undefined: those that Node.js knows. */
  readonly scalerCaPath: string | undefined;
  /** File with the bearer token that scalers are shown; undefined: that of `access`, where there is one. */
  readonly scalerTokenPath: string | undefined;
  readonly drainLimitMs: number;
  readonly maxRecordsPerTrigger: number;
  readonly maxBytesPerTrigger: number;
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly logLevel: LogLevel;
}

export interface KubernetesConfig {
  /** Kubeconfig files, as in a PATH; undefined: the service account of the pod, else `~/.kube/config`. */
  readonly kubeconfig: string | undefined;
  /** Undefined: all of them. */
  readonly namespaces: readonly string[] | undefined;
  readonly functionUris: FunctionUris;
  readonly tenantAddresses: TenantAddresses;
  /** Name or address of the API server, as pods are told it. */
  readonly apiServerHost: string | undefined;
  /** Who the gateways are, so that each serves a part of the triggers; undefined: this one serves all. */
  readonly sharing: SharingConfig | undefined;
}

export interface SharingConfig {
  readonly service: string;
  readonly namespace: string;
  readonly self: string;
  readonly replicas: number;
}

/** Every setting: variable, default, what it is; docs/reference/configuration.md is made of this table. */
export const gatewaySettings = {
  KAFKA_BROKERS: {
    default: '',
    help: 'Brokers to start from, `host:port`, separated by commas. Required, unless KAFKA_CONFIG names them.',
  },
  KAFKA_CONFIG: {
    default: '',
    help: 'A file with properties of a Kafka client (`security.protocol`, `sasl.jaas.config`, `ssl.truststore.certificates` …), for TLS and SASL. It is read again when it changes.',
  },
  MILLRACE_TRIGGERS: {
    default: '',
    help: 'File or folder with the manifests. Required without MILLRACE_KUBERNETES.',
  },
  MILLRACE_KUBERNETES: {
    default: 'false',
    help: '`true`: triggers and endpoints come from the API server of Kubernetes, instead of MILLRACE_TRIGGERS.',
  },
  KUBECONFIG: {
    default: '',
    help: 'Kubeconfig files, as in a PATH, for MILLRACE_KUBERNETES; absent: the service account of the pod, else `~/.kube/config`.',
  },
  WATCH_NAMESPACES: {
    default: '',
    help: 'Namespaces whose triggers are served, separated by commas; absent: all of them.',
  },
  MILLRACE_FUNCTION_URIS: {
    default: 'refused',
    help: 'What becomes of `function.uri` with MILLRACE_KUBERNETES. `refused`: a trigger that has one is not accepted. `guarded`: it is posted to, unless it leads to an address that no function has: loopback, link-local, multicast or reserved, of a cloud’s metadata or of the API server. `unguarded`, for development: wherever it leads. The scaler needs the same.',
  },
  MILLRACE_TENANT_ADDRESSES: {
    default: 'guarded',
    help: 'What becomes of the other addresses that tenants name, with MILLRACE_KUBERNETES: the brokers of KafkaClusters, and token endpoints. `guarded`: they are connected to, unless they are such as `function.uri` is guarded from. `unguarded`, for development: wherever they lead. The scaler needs the same.',
  },
  KUBERNETES_SERVICE_HOST: {
    default: '',
    help: 'The API server, as Kubernetes names it in each pod; nothing that is guarded leads there, nor to that of the kubeconfig.',
  },
  GATEWAY_SERVICE: {
    default: '',
    help: 'The headless Service of the gateways, in POD_NAMESPACE. With it and POD_NAME the gateways share the triggers; without, each serves all.',
  },
  POD_NAME: { default: '', help: 'Name of this pod, by the downward API.' },
  POD_NAMESPACE: { default: '', help: 'Namespace of this pod, by the downward API.' },
  MILLRACE_REPLICAS_PER_TRIGGER: {
    default: '2',
    help: 'How many of the gateways serve each trigger; 1 means a pause when its gateway goes.',
  },
  MILLRACE_ADMIN_HOST: { default: '127.0.0.1', help: 'Address that metrics and health are served on.' },
  MILLRACE_ADMIN_PORT: {
    default: '9464',
    help: 'Port that metrics and health are served on; 0 takes a free one.',
  },
  MILLRACE_ADMIN_TLS_CERT: {
    default: '',
    help: 'PEM file with the certificate of that port; read again when it changes. Plain text when empty.',
  },
  MILLRACE_ADMIN_TLS_KEY: { default: '', help: 'PEM file with the key of that certificate.' },
  ...accessSettings,
  SCALER_URLS: {
    default: '',
    help: 'Scalers to tell when records wait for a sleeping function, URLs separated by commas; a name that resolves to several addresses means all of them.',
  },
  SCALER_CA: {
    default: '',
    help: 'PEM file of the authorities that scalers with https are trusted by; read again when it changes. Those that Node.js knows when empty.',
  },
  SCALER_TOKEN_FILE: {
    default: '',
    help: 'File with the bearer token that scalers are shown; read again when it changes. MILLRACE_ADMIN_TOKEN when empty.',
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

type Read = <T>(name: Name, parse: (text: string) => T | undefined, expected: string) => T;

/** Throws MILLRACE_CONFIG_INVALID that lists every mistake. An empty variable counts as absent. */
export function parseGatewayConfig(env: Readonly<Record<string, string | undefined>>): GatewayConfig {
  const mistakes: string[] = [];
  const read: Read = <T>(name: Name, parse: (text: string) => T | undefined, expected: string): T => {
    const text = env[name]?.trim() || gatewaySettings[name].default;
    const value = parse(text);
    if (value === undefined)
      mistakes.push(`${name} is ${JSON.stringify(withoutCredentials(text))}, expected ${expected}`);
    return value as T;
  };
  const kubernetes = readKubernetes(read);
  const kafkaConfigPath = read('KAFKA_CONFIG', (text) => text, 'a path') || undefined;
  const namesBrokers = kafkaConfigPath === undefined || (env.KAFKA_BROKERS ?? '').trim() !== '';
  const config: GatewayConfig = {
    kafkaBrokers: namesBrokers
      ? read('KAFKA_BROKERS', parseBrokers, 'host:port, separated by commas')
      : undefined,
    kafkaConfigPath,
    triggersPath: read('MILLRACE_TRIGGERS', (text) => text, 'a path') || undefined,
    kubernetes,
    adminHost: read('MILLRACE_ADMIN_HOST', (text) => text, 'an address'),
    adminPort: read('MILLRACE_ADMIN_PORT', parsePort, 'a port from 0 to 65535'),
    adminTls: readAdminTls(read, mistakes),
    access: parseAccessSettings(env, kubernetes !== undefined, mistakes),
    scalerUrls: read(
      'SCALER_URLS',
      parseUrls,
      'http:// or https:// URLs without a user, separated by commas',
    ),
    scalerCaPath: read('SCALER_CA', (text) => text, 'a path') || undefined,
    scalerTokenPath: read('SCALER_TOKEN_FILE', (text) => text, 'a path') || undefined,
    drainLimitMs: read('MILLRACE_DRAIN_LIMIT', parseDuration, 'a duration such as PT25S'),
    maxRecordsPerTrigger: read('MILLRACE_MAX_RECORDS_PER_TRIGGER', parseCount, 'a whole number above 0'),
    maxBytesPerTrigger: read('MILLRACE_MAX_BYTES_PER_TRIGGER', parseQuantity, 'a size such as 32Mi'),
    maxRecords: read('MILLRACE_MAX_RECORDS', parseCount, 'a whole number above 0'),
    maxBytes: read('MILLRACE_MAX_BYTES', parseQuantity, 'a size such as 256Mi'),
    logLevel: read('LOG_LEVEL', parseLogLevel, `one of ${logLevels.join(', ')}`),
  };
  if (config.triggersPath === undefined && config.kubernetes === undefined)
    mistakes.push('MILLRACE_TRIGGERS is "", expected a file or a folder (or --triggers, or --kubernetes)');
  if (config.triggersPath !== undefined && config.kubernetes !== undefined)
    mistakes.push('MILLRACE_TRIGGERS and MILLRACE_KUBERNETES are both given, expected one of them');
  if (mistakes.length > 0) throw new MillraceError('MILLRACE_CONFIG_INVALID', mistakes.join('; '));
  return Object.freeze(config);
}

function readAdminTls(read: Read, mistakes: string[]): GatewayConfig['adminTls'] {
  const certPath = read('MILLRACE_ADMIN_TLS_CERT', (text) => text, 'a path');
  const keyPath = read('MILLRACE_ADMIN_TLS_KEY', (text) => text, 'a path');
  if (certPath !== '' && keyPath !== '') return { certPath, keyPath };
  if (certPath !== '' || keyPath !== '')
    mistakes.push('MILLRACE_ADMIN_TLS_CERT and MILLRACE_ADMIN_TLS_KEY go together: set both, or neither');
  return undefined;
}

function readKubernetes(read: Read): KubernetesConfig | undefined {
  const isOn = read('MILLRACE_KUBERNETES', parseBoolean, 'true or false');
  const kubeconfig = read('KUBECONFIG', (text) => text, 'paths') || undefined;
  const namespaces = read('WATCH_NAMESPACES', parseNamespaces, 'names of namespaces, separated by commas');
  const uris = read('MILLRACE_FUNCTION_URIS', parseFunctionUris, `one of ${functionUris.join(', ')}`);
  const addresses = read(
    'MILLRACE_TENANT_ADDRESSES',
    parseTenantAddresses,
    `one of ${tenantAddresses.join(', ')}`,
  );
  const apiServerHost = read('KUBERNETES_SERVICE_HOST', (text) => text, 'a name or an address') || undefined;
  const service = read('GATEWAY_SERVICE', (text) => text, 'a name');
  const self = read('POD_NAME', (text) => text, 'a name');
  const namespace = read('POD_NAMESPACE', (text) => text, 'a name');
  const replicas = read('MILLRACE_REPLICAS_PER_TRIGGER', parseCount, 'a whole number above 0');
  if (!isOn) return undefined;
  const isShared = service !== '' && self !== '' && namespace !== '';
  return {
    kubeconfig,
    namespaces: namespaces.length > 0 ? namespaces : undefined,
    functionUris: uris,
    tenantAddresses: addresses,
    apiServerHost,
    sharing: isShared ? { service, namespace, self, replicas } : undefined,
  };
}

function parseBoolean(text: string): boolean | undefined {
  return text === 'true' || (text === 'false' ? false : undefined);
}

/** RFC 1123 labels. */
function parseNamespaces(text: string): string[] | undefined {
  const names = text === '' ? [] : text.split(',').map((one) => one.trim());
  return names.every((one) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(one)) ? names : undefined;
}

function parseUrls(text: string): string[] | undefined {
  const urls = text === '' ? [] : text.split(',').map((one) => one.trim());
  const isRight = (one: string): boolean =>
    /^https?:\/\//.test(one) && URL.canParse(one) && new URL(one).username + new URL(one).password === '';
  return urls.every(isRight) ? urls : undefined;
}

function parseCount(text: string): number | undefined {
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
}
