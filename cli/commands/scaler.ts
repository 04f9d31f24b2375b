// `millrace scaler`: KEDA's external scaler alone, as it is deployed.
import { exitOnFault } from '../../core/process/exit-on-fault.ts';
import { createLog } from '../../core/process/log.ts';
import { readScalerConfig } from '../../scaler/config.ts';
import { startScaler } from '../../scaler/main.ts';
import { releaseStartMemory } from '../../core/process/release-start-memory.ts';
import { printJson, untilAborted, type CommandIo } from '../command-io.ts';
import { settingsIn, type ProcessOptions } from './process-options.ts';

export interface ScalerOptions extends ProcessOptions {
  readonly grpcPort?: number;
  readonly httpPort?: number;
}

/** Prints `SCALER_GRPC_PORT=…` and `SCALER_URL=…` when both ports listen, and runs until it is interrupted. */
export async function runScalerCommand(options: ScalerOptions, io: CommandIo): Promise<number> {
  const config = readScalerConfig({
    ...io.env,
    ...settingsIn(options),
    ...(options.grpcPort === undefined ? {} : { SCALER_GRPC_PORT: String(options.grpcPort) }),
    ...(options.httpPort === undefined ? {} : { SCALER_HTTP_PORT: String(options.httpPort) }),
  });
  exitOnFault(createLog(config.logLevel).child({ component: 'scaler' }));
  const scaler = await startScaler(config, { signal: io.signal });
  if (options.json) printJson(io, { grpcPort: scaler.grpcPort, url: scaler.httpUrl });
  else io.stdout.write(`SCALER_GRPC_PORT=${scaler.grpcPort}\nSCALER_URL=${scaler.httpUrl}\n`);
  await releaseStartMemory();
  await untilAborted(io.signal);
  await scaler.stop();
  return 0;
}
