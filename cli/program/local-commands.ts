// The commands that run something on this machine: a Kafka, functions, the demo, the benchmark.
import { Argument, Option } from 'commander';
import type { BenchOptions } from '../bench/load.ts';
import { runCommand } from '../command-io.ts';
import type { DemoOptions } from '../commands/demo.ts';
import type { DevOptions } from '../commands/dev.ts';
import type { FeedOptions, FeedStep } from '../demo/cluster/feed.ts';
import type { DocumentedCommand } from './documented-command.ts';
import { parseCount, parsePort, parseWhole } from './parse-values.ts';
import { sharedOptions } from './shared-options.ts';

export function addLocalCommands(program: DocumentedCommand): void {
  program.commandsGroup('On this machine:');
  addKafka(program);
  addDev(program);
  addDemo(program);
  addBench(program);
}

interface KafkaFlags {
  readonly port?: number;
  readonly kafkaDir?: string;
  readonly brokers: string;
  readonly json: boolean;
}

function addKafka(program: DocumentedCommand): void {
  program
    .command('kafka')
    .description('run a local Kafka in the foreground, and print its KAFKA_BROKERS')
    .option('--port <n>', 'port of the first broker (default: any free port)', parsePort)
    .addOption(sharedOptions.kafkaDir())
    .addOption(new Option('--brokers <n>', 'number of brokers').choices(['1', '3']).default('1'))
    .addOption(sharedOptions.json())
    .example('millrace kafka --port 9092 --kafka-dir ~/.kafka')
    .action(async ({ port, kafkaDir: dir, brokers, json }: KafkaFlags) => {
      const { runKafkaCommand } = await import('../commands/kafka.ts');
      await runCommand((io) => runKafkaCommand({ port, dir, brokers: Number(brokers), json }, io));
    });
}

function addDev(program: DocumentedCommand): void {
  program
    .command('dev')
    .description('run the functions of a folder on this machine, with a gateway, a scaler and a local Kafka')
    .argument(
      '<dir>',
      'folder with manifests; the annotation millrace.dev/dev-command of a Deployment starts its function',
    )
    .addOption(sharedOptions.kafkaDir())
    .addOption(sharedOptions.partitions())
    .addOption(sharedOptions.json())
    .example('millrace dev functions-examples')
    .action(async (dir: string, options: Omit<DevOptions, 'dir'>) => {
      const { runDevCommand } = await import('../commands/dev.ts');
      await runCommand((io) => runDevCommand({ ...options, dir }, io));
    });
}

function addDemo(program: DocumentedCommand): void {
  program
    .command('demo')
    .description('replay a week of earthquakes through the functions in functions-examples')
    .addOption(sharedOptions.kubernetes())
    .addOption(sharedOptions.kubeconfig())
    .option('--once', 'end when everything is delivered and all functions sleep', false)
    .option('--limit <n>', 'replay only the first n earthquakes', parseCount)
    .option(
      '--namespace <name>',
      'with --kubernetes: namespace to create, and to remove at the end (default: "millrace-demo")',
    )
    .option('--keep', 'with --kubernetes: remove nothing at the end', false)
    .addOption(sharedOptions.json())
    .example('millrace demo --once', 'millrace demo --kubernetes --once')
    .action(async (options: DemoOptions) => {
      const { runDemoCommand } = await import('../commands/demo.ts');
      await runCommand((io) => runDemoCommand(options, io));
    });

  program
    .command('demo-feed', { hidden: true })
    .description('one step of the demo in a cluster: its pods run this command')
    .addArgument(new Argument('<step>').choices(['create', 'append', 'remove']))
    .argument('<topics...>')
    .option('--earthquakes <file>', 'the packed earthquakes', '')
    .option('--burst <n>', 'index of the burst, from 0', parseWhole, 0)
    .option('--week <n>', 'number of the week, from 1', parseCount, 1)
    .action(async (step: FeedStep, topics: string[], options: Omit<FeedOptions, 'step' | 'topics'>) => {
      const { runFeedCommand } = await import('../demo/cluster/feed.ts');
      await runCommand((io) => runFeedCommand({ ...options, step, topics }, io));
    });
}

function addBench(program: DocumentedCommand): void {
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
    .example('millrace bench --events 50000')
    .action(async (options: Omit<BenchOptions, 'print' | 'signal'>) => {
      const { runBench } = await import('../bench/bench.ts');
      await runCommand(async ({ stdout, signal }) => {
        await runBench({ ...options, signal, print: (text) => void stdout.write(`${text}\n`) });
        return 0;
      });
    });
}
