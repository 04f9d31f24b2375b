// What a shell can complete after `millrace`, read off the tree of commands. Pure.
import type { Argument, Command, Option } from 'commander';

/** What a value is completed with; `any`: nothing is known of it. */
export type ValueWords =
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'files' | 'folders' | 'any' };

export interface OptionWords {
  /** Such as `--file`. */
  readonly long: string;
  /** Such as `-f`. */
  readonly short: string | undefined;
  readonly summary: string;
  readonly isRepeatable: boolean;
  /** Undefined if it takes no value. */
  readonly value: ValueWords | undefined;
}

export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionWords[];
  /** Of the arguments in their order. */
  readonly values: readonly ValueWords[];
  /** Any number of values may stand in the place of the last one. */
  readonly isVariadic: boolean;
}

export interface ProgramWords {
  readonly options: readonly OptionWords[];
  readonly commands: readonly CommandWords[];
}

/** Hidden commands are left out. */
export function wordsOf(program: Command): ProgramWords {
  const visible = program.createHelp().visibleCommands(program);
  const names = visible.map((command) => command.name());
  const commands = visible.map((command) => commandWords(command, names));
  return { options: optionWords(program), commands };
}

function commandWords(command: Command, names: readonly string[]): CommandWords {
  const isHelp = command.name() === 'help';
  const choices: ValueWords = { kind: 'choices', choices: names };
  return {
    name: command.name(),
    summary: command.description(),
    options: isHelp ? [] : optionWords(command),
    values: isHelp
      ? [choices]
      : command.registeredArguments.map((argument) => valueWords(argument, argument.name())),
    isVariadic: command.registeredArguments.at(-1)?.variadic ?? false,
  };
}

function optionWords(command: Command): OptionWords[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map((option) => ({
      long: option.long ?? '',
      short: option.short,
      summary: option.description,
      isRepeatable: Array.isArray(option.defaultValue),
      value: option.required ? valueWords(option, placeholderOf(option)) : undefined,
    }));
}

/** `file` in `-f, --file <file>`. */
function placeholderOf({ flags }: Option): string {
  return /<(.+)>/.exec(flags)?.[1] ?? '';
}

function valueWords({ argChoices }: Option | Argument, placeholder: string): ValueWords {
  if (argChoices !== undefined) return { kind: 'choices', choices: argChoices };
  if (/^(file|paths?)$/.test(placeholder)) return { kind: 'files' };
  return { kind: placeholder === 'dir' ? 'folders' : 'any' };
}
