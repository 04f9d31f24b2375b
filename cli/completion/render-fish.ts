// The completion script of fish. Pure.
import type { CommandWords, OptionWords, ProgramWords, ValueWords } from './completion-words.ts';

export function renderFish({ options, commands }: ProgramWords): string {
  const atFirst = '-n __fish_use_subcommand';
  const lines = [
    '# Completion of millrace for fish, made by `millrace completion fish`.',
    'complete -c millrace -f',
    ...options.map((option) => `complete -c millrace ${atFirst} ${optionText(option)}`),
    ...commands.map(
      ({ name, summary }) => `complete -c millrace ${atFirst} -a ${name} -d ${quoted(summary)}`,
    ),
    ...commands.flatMap(commandLines),
  ];
  return `${lines.join('\n')}\n`;
}

function commandLines({ name, options, values }: CommandWords): string[] {
  const within = `-n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
  const [value] = values;
  return [
    ...options.map((option) => `complete -c millrace ${within} ${optionText(option)}`),
    ...(value === undefined || value.kind === 'any'
      ? []
      : [`complete -c millrace ${within} ${valueText(value)}`]),
  ];
}

function optionText({ long, short, summary, value }: OptionWords): string {
  const parts = [
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
    `-l ${long.slice(2)}`,
    // -r: a value must follow, and may be a file; -x: it is none.
    ...(value === undefined ? [] : [value.kind === 'files' ? '-r' : '-x', valueText(value)]),
    `-d ${quoted(summary)}`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function valueText(value: ValueWords): string {
  switch (value.kind) {
    case 'choices':
      return `-a ${quoted(value.choices.join(' '))}`;
    case 'files':
      return '-F';
    case 'folders':
      return `-a ${quoted('(__fish_complete_directories)')}`;
    case 'any':
      return '';
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}
