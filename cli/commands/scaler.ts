// `millrace scaler`: KEDA's external scaler alone, as it is deployed.
import { readScalerConfig } from '../../scaler/config.ts';
import { startScaler } from '../../scaler/main.ts';
import { untilAborted, type CommandIo } from '../command-io.ts';

export interface ScalerOptions {
  readonly triggers?: string;
  readonly grpcPort?: number;
  readonly httpPort?: number;
}

/** Prints `SCALER_GRPC_PORT=…` and `SCALER_URL=…` when both ports listen, and runs until it is interrupted. */
export async function runScalerCommand(options: ScalerOptions, io: CommandIo): Promise<number> {
  const config = readScalerConfig({
    ...io.env,
    ...(options.triggers === undefined ? {} : { MILLRACE_TRIGGERS: options.triggers }),
    ...(options.grpcPort === undefined ? {} : { SCALER_GRPC_PORT: String(options.grpcPort) }),
    ...(options.httpPort === undefined ? {} : { SCALER_HTTP_PORT: String(options.httpPort) }),
  });
  const scaler = await startScaler(config, { signal: io.signal });
  io.stdout.write(`SCALER_GRPC_PORT=${scaler.grpcPort}\nSCALER_URL=${scaler.httpUrl}\n`);
  await untilAborted(io.signal);
  await scaler.stop();
  return 0;
}
