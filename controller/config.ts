// The controller's settings: which resources it looks after, and how KEDA reaches the scaler. `millrace cleanup` reads the same.
import {
  readSettings,
  text,
  type Env,
  type Refuse,
  type Settings,
  type ValuesOf,
} from '../core/process/settings.ts';
import {
  sharedKubernetesConfigOf,
  kubernetesSettings,
  type SharedKubernetesConfig,
} from '../core/process/shared-settings.ts';

export interface KubernetesConfig extends SharedKubernetesConfig {
  /** Where KEDA reaches the scaler, `host:port`; undefined: nothing is scaled. */
  readonly scalerService: string | undefined;
  /** A file with the certificates by which KEDA trusts the scaler; undefined: plain text. */
  readonly scalerCaPath: string | undefined;
  /** A ClusterTriggerAuthentication with which KEDA authenticates to the scaler; undefined: KEDA gets only the CA, in the namespaces of the triggers. */
  readonly clusterAuthentication: string | undefined;
  /** Identity of this process among the scalers. */
  readonly podName: string;
  readonly podUid: string | undefined;
  /** Name of the Lease, one for each installation. It is in `podNamespace`. */
  readonly leaseName: string;
}

/** The name that the ConfigMap and the TriggerAuthentication for KEDA have in each namespace. The rights of the chart are for this name. */
export function namespaceAuthenticationOf({ leaseName }: Pick<KubernetesConfig, 'leaseName'>): string {
  return `${leaseName}-ca`;
}

const defaultLeaseName = 'millrace-scaler';

/** What only the controller reads. */
export const controllerOwnSettings = {
  SCALER_SERVICE: {
    parse: (given: string) => (/^[^\s:/]+:\d+$/.test(given) ? given : undefined),
    expected: 'host:port',
    help: `Where KEDA reaches the scaler, \`host:port\`. Without it nothing is scaled. The Lease by which one scaler leads has the first part of the host as its name, else \`${defaultLeaseName}\`.`,
  },
  SCALER_TLS_CA: {
    ...text,
    help: 'PEM file with the CA by which KEDA trusts the scaler. The controller puts it into each namespace that has a ScaledObject, and reads it again every 30 s. Plain text when empty.',
  },
  SCALER_CLUSTER_AUTHENTICATION: {
    ...text,
    help: 'Name of the ClusterTriggerAuthentication by which KEDA trusts the scaler and authenticates to it. ScaledObjects name it, and the controller puts nothing into their namespaces. Needs SCALER_TLS_CA.',
  },
  POD_UID: {
    ...text,
    help: 'UID of this pod, by the downward API. With it, the Lease is deleted with the pod.',
  },
} as const satisfies Settings;

export const controllerSettings = { ...kubernetesSettings, ...controllerOwnSettings } as const;

/** Throws MILLRACE_CONFIG_INVALID that lists every mistake. */
export function readKubernetesConfig(env: Env): KubernetesConfig {
  return readSettings(controllerSettings, env, kubernetesConfigOf);
}

export function kubernetesConfigOf(
  values: ValuesOf<typeof controllerSettings>,
  refuse: Refuse<keyof typeof controllerSettings>,
): KubernetesConfig {
  const { SCALER_SERVICE: scalerService, SCALER_TLS_CA: scalerCaPath } = values;
  const { SCALER_CLUSTER_AUTHENTICATION: clusterAuthentication } = values;
  if (clusterAuthentication !== undefined && scalerCaPath === undefined)
    refuse('SCALER_CLUSTER_AUTHENTICATION', 'nothing without SCALER_TLS_CA');
  return Object.freeze({
    ...sharedKubernetesConfigOf(values),
    scalerService,
    scalerCaPath,
    clusterAuthentication,
    podName: values.POD_NAME ?? `millrace-${process.pid}`,
    podUid: values.POD_UID,
    leaseName: scalerService?.split(/[.:]/, 1)[0] ?? defaultLeaseName,
  });
}
