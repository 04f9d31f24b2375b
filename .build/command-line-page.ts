// docs/reference/command-line.md, made of the tree of commands.
import { createProgram } from '../cli/program/create-program.ts';
import { DocumentedCommand } from '../cli/program/documented-command.ts';
import { jsonOutputs } from '../cli/program/json-fields.ts';
import { code, page, table } from './markdown.ts';

export function commandLinePage(): string {
  const program = createProgram();
  const commands = program
    .createHelp()
    .visibleCommands(program)
    .filter((command) => command instanceof DocumentedCommand)
    .filter((command) => command.name() !== 'help');
  return page(
    'Command line',
    '`millrace COMMAND`, or `npm run millrace -- COMMAND` from the sources. `millrace help COMMAND` shows the same in a terminal, with ' +
      'the environment variables, which [Configuration](configuration.md) lists too. `millrace completion SHELL` prints the script by ' +
      'which bash, zsh or fish completes all of it.',
    [exitCodes, jsonText, ...commands.map(section)].join('\n\n'),
  );
}

const exitCodes = `## Exit codes

| code | meaning |
| --- | --- |
| 0 | it did what it was asked for; a process that was told to end has ended cleanly |
| 1 | it failed, or found what is wrong: a mistake in a manifest, a server that does not answer, a gateway that was not heard |
| 2 | it was used wrongly: an unknown command or option, a wrong value, a setting that is missing or wrong (\`MILLRACE_CONFIG_INVALID\`) |
| 130 | it was interrupted before its end |`;

const jsonText = `## JSON

Wherever a command prints results, \`--json\` prints them as JSON on standard output, one object a line. Messages and errors go to standard
error, as without it. The names of fields below stay as they are; others may be added. \`skip\` and \`try\` print JSON without the option, too.`;

function section(command: DocumentedCommand): string {
  const help = command.createHelp();
  const words = [
    ...command.registeredArguments.map((argument) => [help.argumentTerm(argument), argument.description]),
    ...help
      .visibleOptions(command)
      .map((option) => [help.optionTerm(option), help.optionDescription(option)]),
  ].map(([term = '', what = '']) => [code(term), what]);
  const outputs = jsonOutputs[command.name()] ?? [];
  return [
    `## millrace ${command.name()}\n\n${sentence(command)}`,
    `\`\`\`console\n${command.examples.map((line) => `$ ${line}`).join('\n')}\n\`\`\``,
    table(['argument or option', 'what it is'], words),
    ...outputs.map(
      ({ object, fields }) =>
        `${object}, as JSON:\n\n${table(
          ['field', 'what it is'],
          Object.entries(fields).map(([name, what]) => [code(name), what]),
        )}`,
    ),
  ].join('\n\n');
}

function sentence(command: DocumentedCommand): string {
  const text = command.description();
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
