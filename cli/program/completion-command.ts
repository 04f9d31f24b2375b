// `millrace completion`: prints the completion script of a shell, made of the tree of commands.
import { Argument } from 'commander';
import { runCommand } from '../command-io.ts';
import { wordsOf } from '../completion/completion-words.ts';
import { renderCompletion, shells, type Shell } from '../completion/render-completion.ts';
import type { DocumentedCommand } from './documented-command.ts';

export function addCompletionCommand(program: DocumentedCommand): void {
  program.commandsGroup('This command line:');
  program
    .command('completion')
    .description('print the script by which a shell completes commands and options')
    .addArgument(new Argument('<shell>').choices(shells))
    .example(
      'source <(millrace completion bash)',
      'millrace completion zsh > "${fpath[1]}/_millrace"',
      'millrace completion fish > ~/.config/fish/completions/millrace.fish',
    )
    .action(async (shell: Shell) => {
      await runCommand(async ({ stdout }) => {
        stdout.write(renderCompletion(shell, wordsOf(program)));
        return 0;
      });
    });
}
