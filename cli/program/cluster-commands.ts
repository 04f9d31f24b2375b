// The commands of an installation: its processes, and what the chart runs.
import { Option } from 'commander';
import { runCommand } from '../command-io.ts';
import type { CheckOptions } from '../commands/check.ts';
import type { GatewayOptions } from '../commands/gateway.ts';
import type { ScalerOptions } from '../commands/scaler.ts';
import type { DocumentedCommand } from './documented-command.ts';
import { parseIsoDuration, parsePort } from './parse-values.ts';
import type { SettingHelp } from './setting-help.ts';
import { sharedOptions } from './shared-options.ts';

export function addClusterCommands(program: DocumentedCommand, settings?: SettingHelp): void {
  program.commandsGroup('In a cluster:');
  addProcesses(program, settings);
  addCheck(program);
  program
    .command('cleanup')
    .description(
      'remove everything that the controller has created in the cluster; the chart runs it at uninstallation',
    )
    .addOption(sharedOptions.json())
    .reads(settings?.cleanup ?? {})
    .example('SCALER_SERVICE=millrace-scaler.millrace.svc:6000 millrace cleanup')
    .action(async (options: { readonly json: boolean }) => {
      const { runCleanupCommand } = await import('../commands/cleanup.ts');
      await runCommand((io) => runCleanupCommand(options, io));
    });
}

function addProcesses(program: DocumentedCommand, settings?: SettingHelp): void {
  program
    .command('gateway')
    .description('run only the gateway, as deployed; KAFKA_BROKERS names the brokers')
    .addOption(sharedOptions.triggers())
    .addOption(sharedOptions.kubernetes())
    .addOption(sharedOptions.kubeconfig())
    .option(
      '--admin-port <n>',
      'port for metrics and health, 0 for any free port (MILLRACE_ADMIN_PORT)',
      parsePort,
    )
    .addOption(sharedOptions.json())
    .reads(settings?.gateway ?? {})
    .example('KAFKA_BROKERS=localhost:9092 millrace gateway --triggers deploy/')
    .action(async (options: GatewayOptions) => {
      const { runGatewayCommand } = await import('../commands/gateway.ts');
      await runCommand((io) => runGatewayCommand(options, io));
    });

  program
    .command('scaler')
    .description("run only KEDA's external scaler, as deployed; KAFKA_BROKERS names the brokers")
    .addOption(sharedOptions.triggers())
    .addOption(sharedOptions.kubernetes())
    .addOption(sharedOptions.kubeconfig())
    .option('--grpc-port <n>', 'port for KEDA, 0 for any free port (SCALER_GRPC_PORT)', parsePort)
    .option(
      '--http-port <n>',
      'port for activation, metrics and health, 0 for any free port (SCALER_HTTP_PORT)',
      parsePort,
    )
    .addOption(sharedOptions.json())
    .reads(settings?.scaler ?? {})
    .example('KAFKA_BROKERS=localhost:9092 millrace scaler --triggers deploy/')
    .action(async (options: ScalerOptions) => {
      const { runScalerCommand } = await import('../commands/scaler.ts');
      await runCommand((io) => runScalerCommand(options, io));
    });
}

interface CheckFlags extends Omit<CheckOptions, 'urls' | 'timeoutMs'> {
  readonly timeout: number;
}

function addCheck(program: DocumentedCommand): void {
  program
    .command('check')
    .description('check that deployed servers answer; `helm test` runs it')
    .argument(
      '<urls...>',
      'http:// and https:// must answer 2xx, grpc:// and grpcs:// must accept a connection',
    )
    .addOption(sharedOptions.ca())
    .option('--client-cert <file>', 'client certificate for grpcs://, if the server requires one')
    .option('--client-key <file>', 'private key of the client certificate')
    .addOption(
      new Option('--timeout <duration>', 'how long to wait for each URL, as an ISO 8601 duration')
        .argParser(parseIsoDuration)
        .default(60_000, 'PT60S'),
    )
    .addOption(sharedOptions.json())
    .example('millrace check http://localhost:9464/readyz grpc://localhost:6000 --timeout PT10S')
    .action(async (urls: string[], { timeout, ...options }: CheckFlags) => {
      const { runCheckCommand } = await import('../commands/check.ts');
      await runCommand((io) => runCheckCommand({ ...options, urls, timeoutMs: timeout }, io));
    });
}
