// The gateway's settings: read from the environment once, validated all together, then frozen.
import { groupProtocols, type GroupProtocol } from '../core/contract/kafka-access.ts';
import type { AccessConfig } from '../core/access/access-control.ts';
import { listenAddress } from '../core/process/listen-address.ts';
import { accessConfigOf, accessSettings } from '../core/process/access-settings.ts';
import {
  certificateOf,
  count,
  duration,
  port,
  readSettings,
  size,
  text,
  type Env,
  type Settings,
  type ValuesOf,
} from '../core/process/settings.ts';
import {
  sharedKubernetesConfigOf,
  sharedConfigOf,
  sharedSettings,
  type SharedKubernetesConfig,
  type SharedConfig,
} from '../core/process/shared-settings.ts';

export interface GatewayConfig extends SharedConfig {
  /** By which protocol members join the groups of the installation's own cluster. */
  readonly groupProtocol: GroupProtocol;
  /** Where this gateway is, as brokers have it in `broker.rack`; undefined: unknown, or as KAFKA_CONFIG says. */
  readonly rackId: string | undefined;
  /** Undefined: everything runs on one machine. */
  readonly kubernetes: KubernetesConfig | undefined;
  readonly adminHost: string;
  /** 0: any free port. */
  readonly adminPort: number;
  /** PEM files of the admin port; undefined: plain text. */
  readonly adminTls: { readonly certPath: string; readonly keyPath: string } | undefined;
  /** Who may call it. */
  readonly access: AccessConfig;
  /** Where the scalers take activation calls; none: only KEDA's poll wakes functions. */
  readonly scalerUrls: readonly string[];
  /** PEM file of the authorities by which scalers are trusted; undefined: those that Node.js knows. */
  readonly scalerCaPath: string | undefined;
  /** File with the bearer token that the gateway shows to scalers; undefined: the token of `access`, if any. */
  readonly scalerTokenPath: string | undefined;
  readonly drainLimitMs: number;
  readonly maxRecordsPerTrigger: number;
  readonly maxBytesPerTrigger: number;
  readonly maxRecords: number;
  readonly maxBytes: number;
}

export interface KubernetesConfig extends SharedKubernetesConfig {
  /** Who the gateways are, so that each serves a part of the triggers; undefined: this one serves all. */
  readonly sharing: SharingConfig | undefined;
}

export interface SharingConfig {
  readonly service: string;
  readonly namespace: string;
  readonly self: string;
  readonly replicas: number;
}

/** What only the gateway reads. */
export const gatewayOwnSettings = {
  KAFKA_GROUP_PROTOCOL: {
    parse: (given: string) => groupProtocols.find((protocol) => protocol === given.toLowerCase()),
    expected: `one of ${groupProtocols.join(', ')}`,
    default: 'auto',
    help: 'By which protocol the gateway joins consumer groups of KAFKA_BROKERS. `consumer`: that of Kafka 4 (KIP-848), in which brokers share partitions out and nobody waits for anybody. `classic`: that of all versions. `auto`: `consumer` where the brokers have it and the members of the group allow it, else `classic`. A KafkaCluster has a `groupProtocol` of its own.',
  },
  KAFKA_CLIENT_RACK: {
    ...text,
    help: 'Where the gateway is, as brokers have it in `broker.rack`: in a cloud, its zone. Brokers with the RackAwareReplicaSelector then name a replica there, and the gateway reads from it instead of from the leader (KIP-392). It holds for all clusters. When empty: `client.rack` of KAFKA_CONFIG.',
  },
  GATEWAY_SERVICE: {
    ...text,
    help: 'The headless Service of the gateways, in POD_NAMESPACE. With it and POD_NAME the gateways share the triggers; without, each serves all.',
  },
  MILLRACE_REPLICAS_PER_TRIGGER: {
    ...count,
    default: '2',
    help: 'How many of the gateways serve each trigger. With 1, a trigger stands still for a while when its gateway goes.',
  },
  MILLRACE_ADMIN_HOST: {
    ...text,
    default: '127.0.0.1',
    help: 'Address on which metrics and health are served. `any`: all addresses, of IPv6 too where the machine has it.',
  },
  MILLRACE_ADMIN_PORT: {
    ...port,
    default: '9464',
    help: 'Port on which metrics and health are served (`--admin-port`); 0 takes a free one.',
  },
  MILLRACE_ADMIN_TLS_CERT: {
    ...text,
    help: 'PEM file with the certificate of that port. It is read again when it changes. Plain text when empty.',
  },
  MILLRACE_ADMIN_TLS_KEY: { ...text, help: 'PEM file with the key of that certificate.' },
  SCALER_URLS: {
    parse: parseUrls,
    expected: 'http:// or https:// URLs without a user, separated by commas',
    help: 'Scalers to call when records wait for a sleeping function: URLs, separated by commas. A name that resolves to several addresses means all of them.',
  },
  SCALER_CA: {
    ...text,
    help: 'PEM file of the authorities by which scalers with https are trusted. It is read again when it changes. Those that Node.js knows when empty.',
  },
  SCALER_TOKEN_FILE: {
    ...text,
    help: 'File with the bearer token that the gateway shows to scalers. It is read again when it changes. MILLRACE_ADMIN_TOKEN when empty.',
  },
  MILLRACE_DRAIN_LIMIT: {
    ...duration,
    default: 'PT25S',
    help: 'How long a stop waits for what is in flight. Keep it below the grace period of the pod.',
  },
  MILLRACE_MAX_RECORDS_PER_TRIGGER: {
    ...count,
    default: '10000',
    help: 'Records of one trigger that may lie in memory.',
  },
  MILLRACE_MAX_BYTES_PER_TRIGGER: {
    ...size,
    default: '32Mi',
    help: 'Bytes of one trigger that may lie in memory.',
  },
  MILLRACE_MAX_RECORDS: {
    ...count,
    default: '200000',
    help: 'Records of all triggers that may lie in memory.',
  },
  MILLRACE_MAX_BYTES: { ...size, default: '256Mi', help: 'Bytes of all triggers that may lie in memory.' },
} as const satisfies Settings;

export const gatewaySettings = { ...sharedSettings, ...accessSettings, ...gatewayOwnSettings } as const;

type Values = ValuesOf<typeof gatewaySettings>;

/** Throws MILLRACE_CONFIG_INVALID that lists every mistake. */
export function readGatewayConfig(env: Env): GatewayConfig {
  return readSettings(gatewaySettings, env, (values, refuse) =>
    Object.freeze({
      ...sharedConfigOf(values, refuse),
      groupProtocol: values.KAFKA_GROUP_PROTOCOL,
      rackId: values.KAFKA_CLIENT_RACK,
      kubernetes: values.MILLRACE_KUBERNETES
        ? { ...sharedKubernetesConfigOf(values), sharing: sharingOf(values) }
        : undefined,
      adminHost: listenAddress(values.MILLRACE_ADMIN_HOST),
      adminPort: values.MILLRACE_ADMIN_PORT,
      adminTls: certificateOf('MILLRACE_ADMIN_TLS_CERT', 'MILLRACE_ADMIN_TLS_KEY', values, refuse),
      access: accessConfigOf(values, values.MILLRACE_KUBERNETES, refuse),
      scalerUrls: values.SCALER_URLS ?? [],
      scalerCaPath: values.SCALER_CA,
      scalerTokenPath: values.SCALER_TOKEN_FILE,
      drainLimitMs: values.MILLRACE_DRAIN_LIMIT,
      maxRecordsPerTrigger: values.MILLRACE_MAX_RECORDS_PER_TRIGGER,
      maxBytesPerTrigger: values.MILLRACE_MAX_BYTES_PER_TRIGGER,
      maxRecords: values.MILLRACE_MAX_RECORDS,
      maxBytes: values.MILLRACE_MAX_BYTES,
    }),
  );
}

function sharingOf({
  GATEWAY_SERVICE: service,
  POD_NAMESPACE: namespace,
  POD_NAME: self,
  MILLRACE_REPLICAS_PER_TRIGGER: replicas,
}: Values): SharingConfig | undefined {
  return service === undefined || namespace === undefined || self === undefined
    ? undefined
    : { service, namespace, self, replicas };
}

function parseUrls(given: string): readonly string[] | undefined {
  const urls = given.split(',').map((one) => one.trim());
  const isRight = (one: string): boolean =>
    /^https?:\/\//.test(one) && URL.canParse(one) && new URL(one).username + new URL(one).password === '';
  return urls.every(isRight) ? urls : undefined;
}
