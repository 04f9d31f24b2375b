// `millrace gateway`: the data plane alone, as it is deployed.
import { readGatewayConfig } from '../../gateway/config.ts';
import { startGateway } from '../../gateway/main.ts';
import { untilAborted, type CommandIo } from '../command-io.ts';

export interface GatewayOptions {
  readonly triggers?: string;
  readonly kubernetes?: boolean;
  readonly kubeconfig?: string;
  readonly adminPort?: number;
}

/** Prints `ADMIN_URL=…` when it serves, and runs until it is interrupted. */
export async function runGatewayCommand(options: GatewayOptions, io: CommandIo): Promise<number> {
  const config = readGatewayConfig({
    ...io.env,
    ...(options.triggers === undefined ? {} : { MILLRACE_TRIGGERS: options.triggers }),
    ...(options.kubernetes === true || options.kubeconfig !== undefined
      ? { MILLRACE_KUBERNETES: 'true' }
      : {}),
    ...(options.kubeconfig === undefined ? {} : { KUBECONFIG: options.kubeconfig }),
    ...(options.adminPort === undefined ? {} : { MILLRACE_ADMIN_PORT: String(options.adminPort) }),
  });
  const gateway = await startGateway(config, { signal: io.signal });
  io.stdout.write(`ADMIN_URL=${gateway.adminUrl}\n`);
  await untilAborted(io.signal);
  await gateway.stop();
  return 0;
}
