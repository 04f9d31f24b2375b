// Loads KEDA's externalscaler.proto and declares the types of its messages.
import { fileURLToPath } from 'node:url';
import {
  loadPackageDefinition,
  type GrpcObject,
  type ServiceClientConstructor,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface ScaledObjectRef {
  readonly name: string;
  readonly namespace: string;
  /** All metadata of the ScaledObject's trigger. KEDA does not pass on the values of a TriggerAuthentication. */
  readonly scalerMetadata: Readonly<Record<string, string>>;
}

export interface IsActiveResponse {
  readonly result: boolean;
}

export interface GetMetricSpecResponse {
  readonly metricSpecs: readonly {
    readonly metricName: string;
    readonly targetSize: number;
    readonly targetSizeFloat: number;
  }[];
}

export interface GetMetricsRequest {
  readonly scaledObjectRef: ScaledObjectRef | null;
  readonly metricName: string;
}

export interface GetMetricsResponse {
  /** `metricValue` is an int64, as a string of digits. */
  readonly metricValues: readonly {
    readonly metricName: string;
    readonly metricValue: string;
    readonly metricValueFloat: number;
  }[];
}

interface ExternalScalerService {
  readonly client: ServiceClientConstructor;
  readonly definition: ServiceDefinition;
}

let loadedService: ExternalScalerService | undefined;

/** The service `externalscaler.ExternalScaler`: `client` to call it, `definition` to serve it. The file is read once per process. */
export function loadExternalScaler(): ExternalScalerService {
  return (loadedService ??= parseExternalScaler());
}

function parseExternalScaler(): ExternalScalerService {
  const path = fileURLToPath(new URL('./externalscaler.proto', import.meta.url));
  const loaded = loadPackageDefinition(loadSync(path, { keepCase: true, longs: String, defaults: true }));
  const client = (loaded.externalscaler as GrpcObject).ExternalScaler as ServiceClientConstructor;
  return { client, definition: client.service };
}
