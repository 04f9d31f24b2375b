// The commands that read manifests and need nothing that runs.
import { runCommand } from '../command-io.ts';
import type { TryOptions } from '../commands/try.ts';
import type { ValidateOptions } from '../commands/validate.ts';
import type { DocumentedCommand } from './documented-command.ts';
import { sharedOptions } from './shared-options.ts';

export function addManifestCommands(program: DocumentedCommand): void {
  program.commandsGroup('Manifests:');
  program
    .command('validate')
    .description('report every mistake in manifests, with file, line, column and remedy')
    .argument('<paths...>', 'files and folders; together they are one installation')
    .addOption(sharedOptions.json())
    .example('millrace validate deploy/', 'millrace validate --json orders.yaml')
    .action(async (paths: string[], options: Omit<ValidateOptions, 'paths'>) => {
      const { runValidateCommand } = await import('../commands/validate.ts');
      await runCommand((io) => runValidateCommand({ ...options, paths }, io));
    });

  program
    .command('try')
    .description(
      'evaluate an expression, or filters, on one CloudEvent in JSON from standard input; always prints JSON',
    )
    .option('--cesql <expr>', 'a CloudEvents SQL expression')
    .option('--cel <expr>', 'a CEL expression')
    .option(
      '--filters <file>',
      'a list of filters, or manifests; reports which filter refuses the event, and why',
    )
    .addOption(sharedOptions.json())
    .example("millrace try --cel 'data.total > 100' < event.json")
    .action(async (options: TryOptions) => {
      const { runTryCommand } = await import('../commands/try.ts');
      await runCommand((io) => runTryCommand(options, io));
    });
}
