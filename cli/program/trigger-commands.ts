// The commands that ask running gateways about triggers.
import { runCommand } from '../command-io.ts';
import type { BlockedOptions } from '../commands/list-blocked.ts';
import type { TriggersOptions } from '../commands/list-triggers.ts';
import type { SkipOptions } from '../commands/skip.ts';
import type { DocumentedCommand } from './documented-command.ts';
import { append, parseOffset, parseWhole } from './parse-values.ts';
import { sharedOptions } from './shared-options.ts';

const triggerHelp = 'namespace/name, or the name alone where only one trigger has it';

export function addTriggerCommands(program: DocumentedCommand): void {
  program.commandsGroup('Running triggers:');
  program
    .command('triggers')
    .description('list the triggers that gateways serve, with their state, and why one is not ready')
    .addOption(sharedOptions.gateway())
    .option(
      '--scaler <url>',
      'URL of a scaler, for the backlog; may be given several times (MILLRACE_SCALER_URLS)',
      append,
      [],
    )
    .addOption(sharedOptions.ca())
    .addOption(sharedOptions.json())
    .example('millrace triggers', 'millrace triggers --gateway http://localhost:9464 --json | jq .state')
    .action(async (options: TriggersOptions) => {
      const { runTriggersCommand } = await import('../commands/list-triggers.ts');
      await runCommand((io) => runTriggersCommand(options, io));
    });

  program
    .command('blocked')
    .description('list the records that block their lanes, with the command that skips each')
    .argument('[trigger]', triggerHelp)
    .addOption(sharedOptions.gateway())
    .addOption(sharedOptions.ca())
    .addOption(sharedOptions.json())
    .example('millrace blocked', 'millrace blocked shop/order-mailer --json')
    .action(async (trigger: string | undefined, options: Omit<BlockedOptions, 'trigger'>) => {
      const { runBlockedCommand } = await import('../commands/list-blocked.ts');
      await runCommand((io) => runBlockedCommand({ ...options, trigger }, io));
    });

  program
    .command('skip')
    .description('skip a record that is stuck, and print all of it; always prints JSON')
    .argument('<trigger>', triggerHelp)
    .requiredOption('--partition <n>', 'partition of the record', parseWhole)
    .requiredOption('--offset <n>', 'offset of the record', parseOffset)
    .option('--topic <topic>', 'topic of the record; required if the trigger reads several topics')
    .option('--reason <text>', 'the reason, for the log and the dead letter')
    .option('--no-dead-letter', 'store no dead letter, even if the trigger has a dead-letter topic')
    .addOption(sharedOptions.gateway())
    .addOption(sharedOptions.ca())
    .addOption(sharedOptions.json())
    .example('millrace skip shop/order-mailer --partition 3 --offset 1742 > order-1742.json')
    .action(async (trigger: string, options: Omit<SkipOptions, 'trigger'>) => {
      const { runSkipCommand } = await import('../commands/skip.ts');
      await runCommand((io) => runSkipCommand({ ...options, trigger }, io));
    });
}
