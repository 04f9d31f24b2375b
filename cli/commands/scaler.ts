// `millrace scaler`: KEDA's external scaler alone, as it is deployed.
import { MillraceError } from '../../core/contract/errors.ts';
import { formatProblem } from '../../core/contract/problem.ts';
import { createFileSecrets } from '../../core/resources/manifests/file-secrets.ts';
import { createFileTriggers } from '../../core/resources/manifests/manifest-files.ts';
import { checkExpression } from '../../core/expressions/compile-expression.ts';
import { readScalerConfig } from '../../scaler/config.ts';
import { createLog } from '../../core/process/log.ts';
import { startScaler, type Scaler } from '../../scaler/main.ts';
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
  const log = createLog(config.logLevel);
  if (config.kubernetes !== undefined) {
    const { openCluster } = await import('./open-cluster.ts');
    const cluster = await openCluster(io, config.kubernetes, log);
    try {
      return await runUntilAborted(await startScaler(config, { ...cluster, log }), io);
    } finally {
      await cluster.close();
    }
  }
  if (config.triggersPath === undefined) {
    throw new MillraceError(
      'MILLRACE_CONFIG_INVALID',
      'no manifests are named: --triggers FILE|DIR, or MILLRACE_TRIGGERS',
    );
  }
  const triggers = createFileTriggers({
    path: config.triggersPath,
    checkExpression,
    onProblems: (problems) => {
      for (const problem of problems) io.stderr.write(`not applied: ${formatProblem(problem)}\n`);
    },
  });
  const secrets = createFileSecrets(config.triggersPath);
  return runUntilAborted(await startScaler(config, { triggers, secrets, log }), io);
}

async function runUntilAborted(scaler: Scaler, io: CommandIo): Promise<number> {
  io.stdout.write(`SCALER_GRPC_PORT=${scaler.grpcPort}\nSCALER_URL=${scaler.httpUrl}\n`);
  await untilAborted(io.signal);
  await scaler.stop();
  return 0;
}
