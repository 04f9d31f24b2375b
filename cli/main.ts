#!/usr/bin/env -S node --max-semi-space-size=64
// `millrace`: declares every command with its arguments and options. The code of a command is loaded only when it runs.
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../core/resources/schema/duration.ts';
import type { BenchOptions } from './bench/load.ts';
import type { CheckFiles } from './commands/check.ts';
import { runCommand } from './command-io.ts';
import type { DevOptions } from './commands/dev.ts';
import type { GatewayOptions } from './commands/gateway.ts';
import type { ScalerOptions } from './commands/scaler.ts';
import type { FeedOptions, FeedStep } from './demo/cluster/feed.ts';
import type { DemoOptions } from './commands/demo.ts';
import type { SendOptions } from './commands/send.ts';
import type { SkipOptions } from './commands/skip.ts';
import type { TryOptions } from './commands/try.ts';

const program = new Command('millrace')
  .description(
    'Delivers Kafka records to HTTP functions as CloudEvents, and scales the functions to zero and back.',
  )
  .showHelpAfterError('(--help lists commands and options)');

program
  .command('kafka')
  .description('run a local Kafka in the foreground, and print its KAFKA_BROKERS')
  .option('--port <n>', 'port of the first broker (default: any free port)', parsePort)
  .option('--dir <dir>', 'folder that keeps the records for the next run')
  .addOption(new Option('--brokers <n>', 'number of brokers').choices(['1', '3']).default('1'))
  .action(async ({ port, dir, brokers }: { port?: number; dir?: string; brokers: string }) => {
    const { runKafkaCommand } = await import('./commands/kafka.ts');
    await runCommand((io) => runKafkaCommand({ port, dir, brokers: Number(brokers) }, io));
  });

program
  .command('gateway')
  .description('run only the gateway, as deployed; KAFKA_BROKERS names the brokers')
  .option('--triggers <path>', 'file or folder with the manifests (MILLRACE_TRIGGERS)')
  .option('--kubernetes', 'read triggers and endpoints from Kubernetes (MILLRACE_KUBERNETES)')
  .option('--kubeconfig <file>', 'kubeconfig of the cluster, if this is not a pod in it (KUBECONFIG)')
  .option(
    '--admin-port <n>',
    'port for metrics and health, 0 for any free port (MILLRACE_ADMIN_PORT)',
    parsePort,
  )
  .action(async (options: GatewayOptions) => {
    const { runGatewayCommand } = await import('./commands/gateway.ts');
    await runCommand((io) => runGatewayCommand(options, io));
  });

program
  .command('scaler')
  .description("run only KEDA's external scaler, as deployed; KAFKA_BROKERS names the brokers")
  .option('--triggers <path>', 'file or folder with the manifests (MILLRACE_TRIGGERS)')
  .option('--grpc-port <n>', 'port for KEDA, 0 for any free port (SCALER_GRPC_PORT)', parsePort)
  .option(
    '--http-port <n>',
    'port for activation, metrics and health, 0 for any free port (SCALER_HTTP_PORT)',
    parsePort,
  )
  .action(async (options: ScalerOptions) => {
    const { runScalerCommand } = await import('./commands/scaler.ts');
    await runCommand((io) => runScalerCommand(options, io));
  });

program
  .command('dev')
  .description('run the functions of a folder on this machine, with a gateway, a scaler and a local Kafka')
  .argument(
    '<dir>',
    'folder with manifests; the annotation millrace.dev/dev-command of a Deployment starts its function',
  )
  .option('--kafka-dir <dir>', 'folder that keeps the records of the local Kafka for the next run')
  .option('--partitions <n>', 'partitions of each topic that is created in the local Kafka', parseCount, 6)
  .action(async (dir: string, options: Omit<DevOptions, 'dir'>) => {
    const { runDevCommand } = await import('./commands/dev.ts');
    await runCommand((io) => runDevCommand({ ...options, dir }, io));
  });

program
  .command('demo')
  .description('replay a week of earthquakes through the functions in functions-examples')
  .option('--kubernetes <kubeconfig>', 'run in this cluster, where Millrace and KEDA must be installed')
  .option('--once', 'end when everything is delivered and all functions sleep', false)
  .option('--json', 'print the summary as a JSON object, as the last line of standard output', false)
  .option('--limit <n>', 'replay only the first n earthquakes', parseCount)
  .option(
    '--namespace <name>',
    'with --kubernetes: namespace to create, and to remove at the end (default: "millrace-demo")',
  )
  .option('--keep', 'with --kubernetes: remove nothing at the end', false)
  .action(async (options: DemoOptions) => {
    const { runDemoCommand } = await import('./commands/demo.ts');
    await runCommand((io) => runDemoCommand(options, io));
  });

program
  .command('demo-feed', { hidden: true })
  .description('one step of the demo in a cluster: its pods run this command')
  .addArgument(new Argument('<step>').choices(['create', 'append', 'remove']))
  .argument('<topics...>')
  .option('--file <path>', 'the packed earthquakes', '')
  .option('--burst <n>', 'index of the burst, from 0', parseWhole, 0)
  .option('--week <n>', 'number of the week, from 1', parseCount, 1)
  .action(async (step: FeedStep, topics: string[], options: Omit<FeedOptions, 'step' | 'topics'>) => {
    const { runFeedCommand } = await import('./demo/cluster/feed.ts');
    await runCommand((io) => runFeedCommand({ ...options, step, topics }, io));
  });

program
  .command('send')
  .description('store records in a topic; with --type they are CloudEvents')
  .argument('<topic>', 'topic, which must exist')
  .option('-f, --file <path>', 'file to send (default: standard input)')
  .option('-l, --lines', 'send one record per line, instead of one record in all', false)
  .option('-k, --key <key>', 'key of the records')
  .option('-K, --key-separator <text>', 'with --lines: the text before the separator is the key of the line')
  .option('-H, --header <name=value>', 'a header; may be given several times', collect, [])
  .option('--null', 'send a record without a value, a tombstone', false)
  .option('--type <type>', 'type of the CloudEvent')
  .option('--source <uri>', 'source of the CloudEvent (default: /millrace/send)')
  .option('--id <id>', 'id of the CloudEvent (default: random)')
  .option('--subject <text>', 'subject of the CloudEvent')
  .option('--time <time>', 'time of the CloudEvent, RFC 3339 (default: now)')
  .option('--content-type <type>', 'content type of the data (default: guessed)')
  .option(
    '--extension <name=value>',
    'extension attribute of the CloudEvent; may be given several times',
    collect,
    [],
  )
  .option(
    '--structured',
    'write the CloudEvent as JSON in the value, instead of attributes in headers',
    false,
  )
  .option('--json', 'print topic, partition and offset of each record as a JSON object', false)
  .option('--config <file>', 'Kafka client properties, for TLS and SASL (KAFKA_CONFIG)')
  .action(async (topic: string, options: Omit<SendOptions, 'topic'>) => {
    const { runSendCommand } = await import('./commands/send.ts');
    await runCommand((io) => runSendCommand({ ...options, topic }, io));
  });

program
  .command('skip')
  .description('skip a record that is stuck, and print all of it as a JSON object')
  .argument('<trigger>', 'namespace/name, or a name in the namespace default')
  .requiredOption('--partition <n>', 'partition of the record', parseWhole)
  .requiredOption('--offset <n>', 'offset of the record', parseOffset)
  .option('--topic <topic>', 'topic of the record; required if the trigger reads several topics')
  .option('--reason <text>', 'the reason, for the log and the dead letter')
  .option('--no-dead-letter', 'store no dead letter, even if the trigger has a dead-letter topic')
  .option(
    '--gateway <url>',
    'admin URL of a gateway; may be given several times (MILLRACE_GATEWAY_URLS)',
    append,
    [],
  )
  .option('--ca <file>', 'CA certificates that https:// gateways are verified with (MILLRACE_GATEWAY_CA)')
  .action(async (trigger: string, options: Omit<SkipOptions, 'trigger'>) => {
    const { runSkipCommand } = await import('./commands/skip.ts');
    await runCommand((io) => runSkipCommand({ ...options, trigger }, io));
  });

program
  .command('check')
  .description('check that deployed servers answer; `helm test` runs it')
  .argument(
    '<urls...>',
    'http:// and https:// must answer 2xx, grpc:// and grpcs:// must accept a connection',
  )
  .option(
    '--ca <file>',
    'CA certificates that https:// and grpcs:// are verified with; may be given several times',
    append,
    [],
  )
  .option('--cert <file>', 'client certificate for grpcs://, if the server requires one')
  .option('--key <file>', 'private key of the client certificate')
  .addOption(
    new Option('--limit <duration>', 'how long to wait for each URL, as an ISO 8601 duration')
      .argParser(parseLimit)
      .default(60_000, 'PT60S'),
  )
  .action(async (urls: string[], { limit, ...files }: { limit: number } & CheckFiles) => {
    const { runCheckCommand } = await import('./commands/check.ts');
    await runCommand((io) => runCheckCommand({ urls, ...files, limitMs: limit }, io));
  });

program
  .command('cleanup')
  .description(
    'remove everything that the controller has created in the cluster; the chart runs it at uninstallation',
  )
  .action(async () => {
    const { runCleanupCommand } = await import('./commands/cleanup.ts');
    await runCommand(runCleanupCommand);
  });

program
  .command('validate')
  .description('report every mistake in manifests, with file, line, column and remedy')
  .argument('<paths...>', 'files and folders; together they are one installation')
  .action(async (paths: string[]) => {
    const { runValidateCommand } = await import('./commands/validate.ts');
    await runCommand((io) => runValidateCommand(paths, io));
  });

program
  .command('try')
  .description('evaluate an expression, or filters, on one CloudEvent in JSON from standard input')
  .option('--cesql <expr>', 'a CloudEvents SQL expression')
  .option('--cel <expr>', 'a CEL expression')
  .option(
    '--filters <file>',
    'a list of filters, or manifests; reports which filter refuses the event, and why',
  )
  .action(async (options: TryOptions) => {
    const { runTryCommand } = await import('./commands/try.ts');
    await runCommand((io) => runTryCommand(options, io));
  });

program
  .command('bench')
  .description('measure the gateway against a bare HTTP client, with a local Kafka')
  .option('--events <n>', 'events per row', parseCount, 200_000)
  .option(
    '--stuck-records <n>',
    'records in the topic of a function that never answers',
    parseCount,
    1_000_000,
  )
  .option('--stuck-seconds <n>', 'how long memory is measured while that function is stuck', parseCount, 60)
  .action(async (options: Omit<BenchOptions, 'print' | 'signal'>) => {
    const { runBench } = await import('./bench/bench.ts');
    await runCommand(async ({ stdout, signal }) => {
      await runBench({ ...options, signal, print: (text) => void stdout.write(`${text}\n`) });
      return 0;
    });
  });

await program.parseAsync();

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('It must be a port from 0 to 65535.');
  return port;
}

function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return Number(text);
}

function parseWhole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function parseLimit(text: string): number {
  const limitMs = parseDuration(text);
  if (limitMs === undefined) throw new InvalidArgumentError('It must be a duration such as PT60S.');
  return limitMs;
}

function parseOffset(text: string): string {
  if (!/^\d{1,19}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return text;
}

function append(text: string, before: string[]): string[] {
  return [...before, text];
}

function collect(text: string, before: string[]): string[] {
  if (text.indexOf('=') < 1) throw new InvalidArgumentError('It must be written as name=value.');
  return [...before, text];
}
