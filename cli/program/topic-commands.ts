// The commands that write to Kafka.
import { runCommand } from '../command-io.ts';
import type { CreateTopicsOptions } from '../commands/create-topics.ts';
import type { SendOptions } from '../commands/send.ts';
import type { DocumentedCommand } from './documented-command.ts';
import { appendNamed } from './parse-values.ts';
import { sharedOptions } from './shared-options.ts';

export function addTopicCommands(program: DocumentedCommand): void {
  program.commandsGroup('Topics:');
  program
    .command('create-topics')
    .description(
      'create those topics that do not exist yet, with as many replicas as is the default of the brokers',
    )
    .argument('<topics...>', 'names of topics')
    .addOption(sharedOptions.partitions())
    .addOption(sharedOptions.config())
    .addOption(sharedOptions.json())
    .example('KAFKA_BROKERS=localhost:9092 millrace create-topics orders orders.dead --partitions 12')
    .action(async (topics: string[], options: Omit<CreateTopicsOptions, 'topics'>) => {
      const { runCreateTopicsCommand } = await import('../commands/create-topics.ts');
      await runCommand((io) => runCreateTopicsCommand({ ...options, topics }, io));
    });

  program
    .command('send')
    .description('store records in a topic; with --type they are CloudEvents')
    .argument('<topic>', 'topic, which must exist')
    .option('-f, --file <path>', 'file to send (default: standard input)')
    .option('-l, --lines', 'send one record per line, instead of one record in all', false)
    .option('-k, --key <key>', 'key of the records')
    .option(
      '-K, --key-separator <text>',
      'with --lines: the text before the separator is the key of the line',
    )
    .option('-H, --header <name=value>', 'a header; may be given several times', appendNamed, [])
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
      appendNamed,
      [],
    )
    .option(
      '--structured',
      'write the CloudEvent as JSON in the value, instead of attributes in headers',
      false,
    )
    .addOption(sharedOptions.config())
    .addOption(sharedOptions.json())
    .example(
      'echo \'{"id": 17}\' | KAFKA_BROKERS=localhost:9092 millrace send orders --type order.placed',
      'KAFKA_BROKERS=localhost:9092 millrace send orders --lines --file orders.jsonl',
    )
    .action(async (topic: string, options: Omit<SendOptions, 'topic'>) => {
      const { runSendCommand } = await import('../commands/send.ts');
      await runCommand((io) => runSendCommand({ ...options, topic }, io));
    });
}
