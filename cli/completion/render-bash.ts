// The completion script of bash, from version 3.2 on (that of macOS). It needs no bash-completion. Pure.
import type { CommandWords, OptionWords, ProgramWords, ValueWords } from './completion-words.ts';

/**
 * Bash takes `--name=value` for three words, so the word before a value may be the `=`. Candidates are separated by line ends, because names
 * of files may have spaces.
 */
export function renderBash({ options, commands }: ProgramWords): string {
  const first = [...commands.map(({ name }) => name), ...flagsOf(options)];
  return `# Completion of millrace for bash, made by \`millrace completion bash\`.
_millrace() {
  local IFS=$'\\n' word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" command=
  ((COMP_CWORD > 1)) && command="\${COMP_WORDS[1]}"
  [[ $before == '=' ]] && before="\${COMP_WORDS[COMP_CWORD - 2]}"
  [[ $word == '=' ]] && word=
  COMPREPLY=()
  case "$command $before" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case "$command" in
    '') ${choose(first)} ;;
${commands.map(commandCase).join('\n')}
  esac
}
complete -F _millrace millrace
`;
}

function valueCases({ name, options }: CommandWords): string[] {
  return options.flatMap(({ long, short, value }) => {
    if (value === undefined) return [];
    const patterns = [long, ...(short === undefined ? [] : [short])].map((flag) => `'${name} ${flag}'`);
    return [`    ${patterns.join(' | ')}) ${complete(value)}; return ;;`];
  });
}

/** Which argument a word is cannot be told without counting options, so the values of all are offered. */
function commandCase({ name, options, values }: CommandWords): string {
  const flags = choose(flagsOf(options));
  const [value] = values;
  if (value === undefined) return `    ${name}) ${flags} ;;`;
  return `    ${name}) if [[ $word == -* ]]; then ${flags}; else ${complete(value)}; fi ;;`;
}

function complete(value: ValueWords): string {
  switch (value.kind) {
    case 'choices':
      return choose(value.choices);
    case 'files':
      return 'compopt -o filenames 2> /dev/null; COMPREPLY=($(compgen -f -- "$word"))';
    case 'folders':
      return 'compopt -o filenames 2> /dev/null; COMPREPLY=($(compgen -d -- "$word"))';
    case 'any':
      return ':';
  }
}

function choose(words: readonly string[]): string {
  return words.length === 0 ? ':' : `COMPREPLY=($(compgen -W $'${words.join('\\n')}' -- "$word"))`;
}

function flagsOf(options: readonly OptionWords[]): string[] {
  return options.flatMap(({ long, short }) => (short === undefined ? [long] : [short, long]));
}
