// The tree of commands. Help, completion and docs/reference/command-line.md are made of it.
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import type { Command } from 'commander';
import { addClusterCommands } from './cluster-commands.ts';
import { addCompletionCommand } from './completion-command.ts';
import { DocumentedCommand } from './documented-command.ts';
import { addLocalCommands } from './local-commands.ts';
import { addManifestCommands } from './manifest-commands.ts';
import type { SettingHelp } from './setting-help.ts';
import { addTopicCommands } from './topic-commands.ts';
import { addTriggerCommands } from './trigger-commands.ts';
import { variablesOf } from '../variables.ts';

/**
 * `settings` are listed in the help of the processes that read them. A wrong use makes `parseAsync` reject with a CommanderError, after
 * it was reported.
 */
export function createProgram(settings?: SettingHelp): DocumentedCommand {
  const program = new DocumentedCommand('millrace')
    .description(
      'Delivers Kafka records to HTTP functions as CloudEvents, and scales the functions to zero and back.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'millrace: ')) })
    .exitOverride();
  addLocalCommands(program);
  addTopicCommands(program);
  addManifestCommands(program);
  addTriggerCommands(program);
  addClusterCommands(program, settings);
  addCompletionCommand(program);
  for (const command of [program, ...documentedIn(program)])
    command.showHelpAfterError(`(${pathOf(command)} --help shows what can be written)`);
  program.reads(variablesOf('')).example('millrace demo --once', 'millrace help dev');
  for (const command of documentedIn(program)) command.reads(variablesOf(command.name()));
  return program;
}

function documentedIn(program: Command): DocumentedCommand[] {
  return program.commands.filter((command) => command instanceof DocumentedCommand);
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** Whether this runs from the sources or from dist/. */
function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(findPackageJSON('..', import.meta.url) ?? '', 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
