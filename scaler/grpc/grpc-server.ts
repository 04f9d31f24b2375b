// The gRPC port: binds, serves the external scaler, and stops within a time limit.
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { TlsFiles } from '../../core/access/certificate-files.ts';
import { openCertificates } from './grpc-certificates.ts';
import { loadExternalScaler } from './proto-definition.ts';
import { createExternalScaler, type ExternalScalerOptions } from './external-scaler.ts';

export interface GrpcServerOptions extends ExternalScalerOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Plain text if absent. */
  readonly tls?: TlsFiles | undefined;
  /** Milliseconds between two checks of the files of `tls`. Default: 10,000. */
  readonly tlsCheckMs?: number | undefined;
}

export interface GrpcServer {
  readonly port: number;
  /**
   * Ends the streams, lets calls in flight finish for `limitMs` (default: 2,000), then aborts them. Never rejects.
   */
  stop(limitMs?: number): Promise<void>;
}

const limits = {
  // KEDA keeps a connection open for as long as its ScaledObjects live. Pings detect a dead connection on both sides.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // KEDA's operator opens two streams for each trigger of a ScaledObject, all on one connection.
  'grpc.max_concurrent_streams': 10_000,
  // A message holds at most the metadata of one trigger.
  'grpc.max_receive_message_length': 64 << 10,
};

/** Rejects if the port is in use, or with MILLRACE_CONFIG_INVALID if the certificate cannot be used. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const scaler = createExternalScaler(options);
  const server = new Server(limits);
  server.addService(loadExternalScaler().definition, scaler.handlers);
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  const { tls: files, tlsCheckMs: checkMs, emit } = options;
  const certificates = files && (await openCertificates({ files, checkMs, emit }));
  const credentials = certificates?.credentials ?? ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${options.port}`, credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  }).catch((error: unknown) => {
    certificates?.close();
    throw error;
  });
  return {
    port,
    stop(limitMs = 2_000) {
      certificates?.close();
      return new Promise((resolve) => {
        const limit = setTimeout(() => server.forceShutdown(), limitMs);
        server.tryShutdown(() => {
          clearTimeout(limit);
          resolve();
        });
        scaler.endStreams();
      });
    },
  };
}
