#!/usr/bin/env -S node --max-semi-space-size=64
// `millrace`: what the commands are called and what they take. Each is loaded when it is asked for.
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
  .description('Carries Kafka records to HTTP functions as CloudEvents, and lets the functions sleep.')
  .showHelpAfterError('(--help shows what there is)');

program
  .command('kafka')
  .description('run a local Kafka in the foreground, and print its KAFKA_BROKERS')
  .option('--port <n>', 'port of the first broker; any free one when absent', parsePort)
  .option('--dir <dir>', 'keep the records there for the next run')
  .addOption(new Option('--brokers <n>', 'how many brokers: 1 or 3').choices(['1', '3']).default('1'))
  .action(async ({ port, dir, brokers }: { port?: number; dir?: string; brokers: string }) => {
    const { runKafkaCommand } = await import('./commands/kafka.ts');
    await runCommand((io) => runKafkaCommand({ port, dir, brokers: Number(brokers) }, io));
  });

program
  .command('gateway')
  .description('run the data plane alone, as deployed; KAFKA_BROKERS names the brokers')
  .option('--triggers <path>', 'file or folder with the manifests (MILLRACE_TRIGGERS)')
  .option('--kubernetes', 'triggers and endpoints from Kubernetes (MILLRACE_KUBERNETES)')
  .option('--kubeconfig <file>', 'which Kubernetes, where this is no pod (KUBECONFIG)')
  .option(
    '--admin-port <n>',
    'port of metrics and health, 0 for any free one (MILLRACE_ADMIN_PORT)',
    parsePort,
  )
  .action(async (options: GatewayOptions) => {
    const { runGatewayCommand } = await import('./commands/gateway.ts');
    await runCommand((io) => runGatewayCommand(options, io));
  });

program
  .command('scaler')
  .description('run the external scaler for KEDA alone, as deployed; KAFKA_BROKERS names the brokers')
  .option('--triggers <path>', 'file or folder with the manifests (MILLRACE_TRIGGERS)')
  .option('--grpc-port <n>', 'port for KEDA, 0 for any free one (SCALER_GRPC_PORT)', parsePort)
  .option('--http-port <n>', 'port of activation, metrics and health (SCALER_HTTP_PORT)', parsePort)
  .action(async (options: ScalerOptions) => {
    const { runScalerCommand } = await import('./commands/scaler.ts');
    await runCommand((io) => runScalerCommand(options, io));
  });

program
  .command('dev')
  .description('run gateway, scaler and the functions of a folder as processes, with a Kafka of its own')
  .argument('<dir>', 'folder with manifests, whose Deployments have the annotation millrace.dev/dev-command')
  .option('--kafka-dir <dir>', 'keep the records of the local Kafka there for the next run')
  .option('--partitions <n>', 'of the topics that are created in the local Kafka', parseCount, 6)
  .action(async (dir: string, options: Omit<DevOptions, 'dir'>) => {
    const { runDevCommand } = await import('./commands/dev.ts');
    await runCommand((io) => runDevCommand({ ...options, dir }, io));
  });

program
  .command('demo')
  .description('replay a week of earthquakes through the functions in functions-examples')
  .option('--kubernetes <kubeconfig>', 'in the cluster of this file, where Millrace and KEDA are installed')
  .option('--once', 'end by itself when all is delivered and all functions sleep', false)
  .option('--json', 'write the account as a JSON object, the last line of standard output', false)
  .option('--limit <n>', 'replay only so many earthquakes', parseCount)
  .option('--namespace <name>', 'with --kubernetes: what is made, and removed (default: "millrace-demo")')
  .option('--keep', 'with --kubernetes: leave everything there at the end', false)
  .action(async (options: DemoOptions) => {
    const { runDemoCommand } = await import('./commands/demo.ts');
    await runCommand((io) => runDemoCommand(options, io));
  });

program
  .command('demo-feed', { hidden: true })
  .description('what the demo does in a cluster, in pods of the image')
  .addArgument(new Argument('<step>').choices(['create', 'append', 'remove']))
  .argument('<topics...>')
  .option('--file <path>', 'the earthquakes, packed', '')
  .option('--burst <n>', 'which burst, from 0', parseWhole, 0)
  .option('--week <n>', 'which week, from 1', parseCount, 1)
  .action(async (step: FeedStep, topics: string[], options: Omit<FeedOptions, 'step' | 'topics'>) => {
    const { runFeedCommand } = await import('./demo/cluster/feed.ts');
    await runCommand((io) => runFeedCommand({ ...options, step, topics }, io));
  });

program
  .command('send')
  .description('store records in a topic; with --type they are CloudEvents')
  .argument('<topic>', 'which must exist')
  .option('-f, --file <path>', 'what to send; standard input when absent')
  .option('-l, --lines', 'a record per line, instead of one in all', false)
  .option('-k, --key <key>', 'key of the records')
  .option('-K, --key-separator <text>', 'with --lines: what stands before it in a line is the key')
  .option('-H, --header <name=value>', 'a header; may be given several times', collect, [])
  .option('--null', 'no value at all: a tombstone', false)
  .option('--type <type>', 'type of the CloudEvent')
  .option('--source <uri>', 'source of the CloudEvent (default: /millrace/send)')
  .option('--id <id>', 'id of the CloudEvent; a random one when absent')
  .option('--subject <text>', 'subject of the CloudEvent')
  .option('--time <time>', 'time of the CloudEvent (RFC 3339); now when absent')
  .option('--content-type <type>', 'of the data; guessed when absent')
  .option('--extension <name=value>', 'a further attribute; may be given several times', collect, [])
  .option('--structured', 'the CloudEvent as JSON in the value, instead of attributes in headers', false)
  .option('--json', 'tell where each record is stored as a JSON object', false)
  .option('--config <file>', 'properties of a Kafka client, for TLS and SASL (KAFKA_CONFIG)')
  .action(async (topic: string, options: Omit<SendOptions, 'topic'>) => {
    const { runSendCommand } = await import('./commands/send.ts');
    await runCommand((io) => runSendCommand({ ...options, topic }, io));
  });

program
  .command('skip')
  .description('settle a record that is stuck, deliberately; prints all of it as a JSON object')
  .argument('<trigger>', 'namespace/name, or a name in the namespace default')
  .requiredOption('--partition <n>', 'where it is', parseWhole)
  .requiredOption('--offset <n>', 'where it is in the partition', parseOffset)
  .option('--topic <topic>', 'needed where the trigger reads several')
  .option('--reason <text>', 'why, for the log and the dead letter')
  .option('--no-dead-letter', 'store no dead letter, even where the trigger has a topic for them')
  .option(
    '--gateway <url>',
    'admin address of a gateway, may be given several times (MILLRACE_GATEWAY_URLS)',
    append,
    [],
  )
  .option('--ca <file>', 'authority that a gateway with https is trusted by (MILLRACE_GATEWAY_CA)')
  .action(async (trigger: string, options: Omit<SkipOptions, 'trigger'>) => {
    const { runSkipCommand } = await import('./commands/skip.ts');
    await runCommand((io) => runSkipCommand({ ...options, trigger }, io));
  });

program
  .command('check')
  .description('ask what is deployed whether it does its work; `helm test` runs it')
  .argument('<urls...>', 'http:// and https:// that answer 2xx, grpc:// and grpcs:// that take a connection')
  .option(
    '--ca <file>',
    'authority that https:// and grpcs:// are trusted by; may be given several times',
    append,
    [],
  )
  .option('--cert <file>', 'certificate that grpcs:// is shown, where it asks who calls')
  .option('--key <file>', 'key of that certificate')
  .option('--limit <duration>', 'how long each is waited for', parseLimit, 60_000)
  .action(async (urls: string[], { limit, ...files }: { limit: number } & CheckFiles) => {
    const { runCheckCommand } = await import('./commands/check.ts');
    await runCommand((io) => runCheckCommand({ urls, ...files, limitMs: limit }, io));
  });

program
  .command('cleanup')
  .description(
    'remove from the cluster what the controller made, before an installation goes: the chart runs it',
  )
  .action(async () => {
    const { runCleanupCommand } = await import('./commands/cleanup.ts');
    await runCommand(runCleanupCommand);
  });

program
  .command('validate')
  .description('tell every mistake in manifests, with its place and its remedy')
  .argument('<paths...>', 'files and folders, which are one installation')
  .action(async (paths: string[]) => {
    const { runValidateCommand } = await import('./commands/validate.ts');
    await runCommand((io) => runValidateCommand(paths, io));
  });

program
  .command('try')
  .description('evaluate an expression, or filters, on one CloudEvent in JSON from standard input')
  .option('--cesql <expr>', 'an expression of CloudEvents SQL')
  .option('--cel <expr>', 'an expression of CEL')
  .option('--filters <file>', 'a list of filters, or manifests: tells which filter refuses, and why')
  .action(async (options: TryOptions) => {
    const { runTryCommand } = await import('./commands/try.ts');
    await runCommand((io) => runTryCommand(options, io));
  });

program
  .command('bench')
  .description('measure the gateway beside a bare HTTP client, on a Kafka of its own')
  .option('--events <n>', 'events of each row', parseCount, 200_000)
  .option(
    '--stuck-records <n>',
    'records in the topic of a function that answers nothing',
    parseCount,
    1_000_000,
  )
  .option('--stuck-seconds <n>', 'how long that function is watched', parseCount, 60)
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
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('It is a port from 0 to 65535.');
  return port;
}

function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1 on.');
  return Number(text);
}

function parseWhole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
}

function parseLimit(text: string): number {
  const limitMs = parseDuration(text);
  if (limitMs === undefined) throw new InvalidArgumentError('It is a duration such as PT60S.');
  return limitMs;
}

function parseOffset(text: string): string {
  if (!/^\d{1,19}$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return text;
}

function append(text: string, before: string[]): string[] {
  return [...before, text];
}

function collect(text: string, before: string[]): string[] {
  if (text.indexOf('=') < 1) throw new InvalidArgumentError('It is written as name=value.');
  return [...before, text];
}
