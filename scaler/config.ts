// The scaler's settings: read from the environment once, validated all together, then frozen.
import type { AccessConfig } from '../core/access/access-control.ts';
import { anyAddress, listenAddress } from '../core/process/listen-address.ts';
import { accessConfigOf, accessSettings } from '../core/process/access-settings.ts';
import type { TlsFiles } from '../core/access/certificate-files.ts';
import {
  certificateOf,
  port,
  readSettings,
  text,
  type Env,
  type Refuse,
  type Settings,
  type ValuesOf,
} from '../core/process/settings.ts';
import { sharedConfigOf, sharedSettings, type SharedConfig } from '../core/process/shared-settings.ts';
import { kubernetesConfigOf, controllerOwnSettings, type KubernetesConfig } from '../controller/config.ts';

export interface ScalerConfig extends SharedConfig {
  /** Where triggers come from Kubernetes: what the controller, which runs beside the scaler then, needs to know. */
  readonly kubernetes?: KubernetesConfig | undefined;
  /** The address that both ports listen at. */
  readonly host: string;
  /** 0: any free port. The same holds for `httpPort`. */
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Of both ports. Its client CA is for the gRPC port. Plain text when absent. */
  readonly tls?: TlsFiles | undefined;
  /** Who may call the HTTP port. */
  readonly access: AccessConfig;
}

/** What only the scaler reads. */
export const scalerOwnSettings = {
  SCALER_HOST: {
    ...text,
    default: anyAddress,
    help: 'Address that both ports listen at. `any`: all addresses, of IPv6 too where the machine has it.',
  },
  SCALER_GRPC_PORT: { ...port, default: '6000', help: 'Port for KEDA (`--grpc-port`); 0 takes a free one.' },
  SCALER_HTTP_PORT: {
    ...port,
    default: '8081',
    help: 'Port of the activation call, metrics and health (`--http-port`); 0 takes a free one.',
  },
  SCALER_TLS_CERT: {
    ...text,
    help: 'PEM file with the certificate of both ports. It is read again when it changes. Plain text when empty.',
  },
  SCALER_TLS_KEY: { ...text, help: 'PEM file with the key of that certificate.' },
  SCALER_TLS_CLIENT_CA: {
    ...text,
    help: 'PEM file with the CAs of those who may call the gRPC port, that of the scaler itself included. Anybody may call it when empty.',
  },
} as const satisfies Settings;

export const scalerSettings = {
  ...sharedSettings,
  ...accessSettings,
  ...scalerOwnSettings,
  ...controllerOwnSettings,
} as const;

type Values = ValuesOf<typeof scalerSettings>;
type RefuseSetting = Refuse<keyof typeof scalerSettings>;

/** Throws MILLRACE_CONFIG_INVALID that lists every mistake. */
export function readScalerConfig(env: Env): ScalerConfig {
  return readSettings(scalerSettings, env, (values, refuse) => {
    const {
      SCALER_GRPC_PORT: grpcPort,
      SCALER_HTTP_PORT: httpPort,
      MILLRACE_KUBERNETES: isInKubernetes,
    } = values;
    if (grpcPort === httpPort && grpcPort !== 0)
      refuse('SCALER_HTTP_PORT', 'another port than that of SCALER_GRPC_PORT');
    return Object.freeze({
      ...sharedConfigOf(values, refuse),
      kubernetes: isInKubernetes ? kubernetesConfigOf(values, refuse) : undefined,
      host: listenAddress(values.SCALER_HOST),
      grpcPort,
      httpPort,
      tls: tlsOf(values, refuse),
      access: accessConfigOf(values, isInKubernetes, refuse),
    });
  });
}

function tlsOf(values: Values, refuse: RefuseSetting): TlsFiles | undefined {
  const { SCALER_TLS_CERT: certPath, SCALER_TLS_KEY: keyPath, SCALER_TLS_CLIENT_CA: clientCaPath } = values;
  const certificate = certificateOf('SCALER_TLS_CERT', 'SCALER_TLS_KEY', values, refuse);
  if (certificate !== undefined) return { ...certificate, clientCaPath };
  if (clientCaPath !== undefined && certPath === undefined && keyPath === undefined)
    refuse('SCALER_TLS_CLIENT_CA', 'nothing without SCALER_TLS_CERT and SCALER_TLS_KEY');
  return undefined;
}
