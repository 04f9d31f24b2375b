// The gRPC port: binds, serves the external scaler, and stops with a limit.
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { loadExternalScaler } from './definition.ts';
import { createExternalScaler, type ExternalScalerOptions } from './service.ts';

export interface GrpcServerOptions extends ExternalScalerOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
}

export interface GrpcServer {
  readonly port: number;
  /**
   * Ends the streams, lets calls in flight finish for `limitMs` (2,000 when absent), then cuts them. Never
   * rejects.
   */
  stop(limitMs?: number): Promise<void>;
}

/**
 * Rejects where the port is taken. Plain text: in a cluster, inside the mesh or the namespace's network
 * policy.
 */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const scaler = createExternalScaler(options);
  // KEDA keeps a connection for as long as its ScaledObjects live; pings show a dead one on both sides.
  const server = new Server({ 'grpc.keepalive_time_ms': 30_000, 'grpc.keepalive_timeout_ms': 10_000 });
  server.addService(loadExternalScaler().definition, scaler.handlers);
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${options.port}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    port,
    stop(limitMs = 2_000) {
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
