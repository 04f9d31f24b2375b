// The settings that gateway and scaler share: Kafka, where triggers come from, Kubernetes, the log. Each is declared once, here.
import { parseBrokers } from '../contract/kafka-access.ts';
import {
  functionUris,
  parseFunctionUris,
  parseTenantAddresses,
  tenantAddresses,
  type FunctionUris,
  type TenantAddresses,
} from '../network/tenant-address.ts';
import { list, port, text, trueOrFalse, type Refuse, type Settings, type ValuesOf } from './settings.ts';

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

export type LogLevel = (typeof logLevels)[number];

/** How the API server is reached, and what of the cluster this installation serves. */
export interface SharedKubernetesConfig {
  /** Kubeconfig files, as in a PATH; undefined: the service account of the pod, else `~/.kube/config`. */
  readonly kubeconfig: string | undefined;
  /** Undefined: all of them. */
  readonly namespaces: readonly string[] | undefined;
  /** Whether triggers may have a `function.uri`, and where it may lead. */
  readonly functionUris: FunctionUris;
  /** Where other addresses that tenants name may lead. */
  readonly tenantAddresses: TenantAddresses;
  /** Name or address of the API server, as Kubernetes gives it to pods. */
  readonly apiServerHost: string | undefined;
  /** Its port; undefined: 443. */
  readonly apiServerPort: number | undefined;
  /** Folder with the token and the CA of the ServiceAccount; undefined: where the kubelet mounts them. */
  readonly serviceAccountPath: string | undefined;
  /** Namespace of this pod; undefined: that of the kubeconfig. */
  readonly podNamespace: string | undefined;
}

/** What processes read that talk to the API server: gateway, scaler and `millrace cleanup`. */
export const kubernetesSettings = {
  KUBECONFIG: {
    ...text,
    help: 'Kubeconfig files, as in a PATH, for MILLRACE_KUBERNETES (`--kubeconfig`). When empty: the service account of the pod, else `~/.kube/config`.',
  },
  WATCH_NAMESPACES: {
    parse: parseNamespaces,
    expected: 'names of namespaces, separated by commas',
    help: 'Namespaces whose triggers are served, and whose annotated Deployments the scaler watches, separated by commas. All namespaces when empty.',
  },
  MILLRACE_FUNCTION_URIS: {
    parse: parseFunctionUris,
    expected: `one of ${functionUris.join(', ')}`,
    default: 'refused',
    help: 'Whether triggers may have a `function.uri`, with MILLRACE_KUBERNETES. `refused`: a trigger with one is not accepted. `guarded`: the gateway posts to it, unless it leads to an address that no function has: loopback, link-local, multicast or reserved, of a cloud’s metadata or of the API server. `unguarded`, for development: wherever it leads. Gateway and scaler need the same value.',
  },
  MILLRACE_TENANT_ADDRESSES: {
    parse: parseTenantAddresses,
    expected: `one of ${tenantAddresses.join(', ')}`,
    default: 'guarded',
    help: 'Where the other addresses that tenants name may lead, with MILLRACE_KUBERNETES: the brokers of KafkaClusters, and token endpoints. `guarded`: Millrace connects to them, unless they lead to an address that `function.uri` is guarded from. `unguarded`, for development: wherever they lead. Gateway and scaler need the same value.',
  },
  KUBERNETES_SERVICE_HOST: {
    ...text,
    help: 'The API server, as Kubernetes names it in each pod. Nothing that is guarded may lead there, nor to the API server of the kubeconfig.',
  },
  KUBERNETES_SERVICE_PORT: {
    ...port,
    help: 'Its port, as Kubernetes names it in each pod.',
  },
  SERVICE_ACCOUNT_DIR: {
    ...text,
    help: 'Folder with `token`, `ca.crt` and `namespace` of the service account, for pods that mount them themselves. When empty: `/var/run/secrets/kubernetes.io/serviceaccount`.',
  },
  POD_NAME: {
    ...text,
    help: 'Name of this pod, by the downward API. Gateways know each other by it, and scalers hold their Lease by it.',
  },
  POD_NAMESPACE: {
    ...text,
    help: 'Namespace of this pod, by the downward API: where the Service of the gateways and the Lease of the scalers are. That of the kubeconfig when empty.',
  },
} as const satisfies Settings;

export const sharedSettings = {
  KAFKA_BROKERS: {
    parse: parseBrokers,
    expected: 'host:port, separated by commas',
    help: 'Brokers to start from, `host:port`, separated by commas. Required, unless KAFKA_CONFIG names them.',
  },
  KAFKA_CONFIG: {
    ...text,
    help: 'A file with properties of a Kafka client (`security.protocol`, `sasl.jaas.config`, `ssl.truststore.certificates` …), for TLS and SASL. It is read again when it changes.',
  },
  MILLRACE_TRIGGERS: {
    ...text,
    help: 'File or folder with the manifests (`--triggers`). Required without MILLRACE_KUBERNETES.',
  },
  MILLRACE_KUBERNETES: {
    ...trueOrFalse,
    default: 'false',
    help: '`true`: triggers come from the API server of Kubernetes instead of MILLRACE_TRIGGERS, and so do the endpoints of functions. The scaler then runs the controller as well. (`--kubernetes`)',
  },
  ...kubernetesSettings,
  LOG_LEVEL: {
    parse: (given: string) => logLevels.find((level) => level === given.toLowerCase()),
    expected: `one of ${logLevels.join(', ')}`,
    default: 'info',
    help: 'trace, debug, info, warn, error or silent.',
  },
} as const satisfies Settings;

export interface SharedConfig {
  /** `host:port`; undefined where `kafkaConfigPath` names them. */
  readonly kafkaBrokers: readonly string[] | undefined;
  /** A file of Kafka's client properties: how connections to the installation's own cluster are secured. */
  readonly kafkaConfigPath?: string | undefined;
  /** A file of manifests, or a folder of them; undefined where triggers come from Kubernetes. */
  readonly triggersPath?: string | undefined;
  readonly logLevel: LogLevel;
}

/** Refuses settings without brokers, without triggers, and with two places for triggers. */
export function sharedConfigOf(
  values: ValuesOf<typeof sharedSettings>,
  refuse: Refuse<keyof typeof sharedSettings>,
): SharedConfig {
  const { KAFKA_BROKERS: brokers, KAFKA_CONFIG: kafkaConfigPath, MILLRACE_TRIGGERS: triggersPath } = values;
  if (brokers === undefined && kafkaConfigPath === undefined)
    refuse('KAFKA_BROKERS', sharedSettings.KAFKA_BROKERS.expected);
  if (triggersPath === undefined && !values.MILLRACE_KUBERNETES)
    refuse('MILLRACE_TRIGGERS', 'a file or a folder (or --triggers, or MILLRACE_KUBERNETES=true)');
  if (triggersPath !== undefined && values.MILLRACE_KUBERNETES)
    refuse('MILLRACE_TRIGGERS', 'nothing, as MILLRACE_KUBERNETES is true');
  return {
    kafkaBrokers: brokers && Object.freeze(brokers),
    kafkaConfigPath,
    triggersPath,
    logLevel: values.LOG_LEVEL,
  };
}

export function sharedKubernetesConfigOf(
  values: ValuesOf<typeof kubernetesSettings>,
): SharedKubernetesConfig {
  return {
    kubeconfig: values.KUBECONFIG,
    namespaces: values.WATCH_NAMESPACES && Object.freeze(values.WATCH_NAMESPACES),
    functionUris: values.MILLRACE_FUNCTION_URIS,
    tenantAddresses: values.MILLRACE_TENANT_ADDRESSES,
    apiServerHost: values.KUBERNETES_SERVICE_HOST,
    apiServerPort: values.KUBERNETES_SERVICE_PORT,
    serviceAccountPath: values.SERVICE_ACCOUNT_DIR,
    podNamespace: values.POD_NAMESPACE,
  };
}

/** RFC 1123 labels, at least one. */
function parseNamespaces(given: string): readonly string[] | undefined {
  const names = list.parse(given);
  const isName = (one: string): boolean => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(one);
  return names.length > 0 && names.every(isName) ? names : undefined;
}
