// The completion script of zsh, for a folder of `fpath` as well as for `source`. Pure.
import type { CommandWords, OptionWords, ProgramWords, ValueWords } from './completion-words.ts';

export function renderZsh({ options, commands }: ProgramWords): string {
  const described = commands.map(({ name, summary }) => `    ${quoted(`${name}:${inColons(summary)}`)}`);
  return `#compdef millrace
# Completion of millrace for zsh, made by \`millrace completion zsh\`.
_millrace() {
  local curcontext="$curcontext" state line
  local -a commands
  commands=(
${described.join('\n')}
  )
  _arguments -C \\
${argumentLines([...options.map(optionSpec), quoted('1: :->command'), quoted('*:: :->rest')])}
  case $state in
    command) _describe command commands ;;
    rest)
      case $words[1] in
${commands.map(commandCase).join('\n')}
      esac
      ;;
  esac
}
if [[ $funcstack[1] == _millrace ]]; then
  _millrace "$@"
else
  compdef _millrace millrace
fi
`;
}

function commandCase({ name, options, values, isVariadic }: CommandWords): string {
  // An argument of which nothing is known is left out: zsh would ask for it before it offers options.
  const positional = values.flatMap((value, index) => {
    const place = isVariadic && index === values.length - 1 ? '*' : String(index + 1);
    return value.kind === 'any' ? [] : [quoted(`${place}: :${action(value)}`)];
  });
  const specs = [...options.map(optionSpec), ...positional];
  return specs.length === 0
    ? `        ${name}) ;;`
    : `        ${name})\n          _arguments -s \\\n${argumentLines(specs)}\n          ;;`;
}

/** `(-f --file)'{-f+,--file=}'[summary]:value:_files`: an option without `*` is offered once. */
function optionSpec({ long, short, summary, isRepeatable, value }: OptionWords): string {
  const flags = short === undefined ? [long] : [short, long];
  const exclusive = isRepeatable ? '*' : short === undefined ? '' : `(${flags.join(' ')})`;
  const rest = `[${inBrackets(summary)}]${value === undefined ? '' : `: :${action(value)}`}`;
  const written = flags.map((flag) => flag + (value === undefined ? '' : flag === long ? '=' : '+'));
  return written.length === 1
    ? quoted(`${exclusive}${written.join('')}${rest}`)
    : `${quoted(exclusive)}{${written.join(',')}}${quoted(rest)}`;
}

function action(value: ValueWords): string {
  switch (value.kind) {
    case 'choices':
      return `(${value.choices.join(' ')})`;
    case 'files':
      return '_files';
    case 'folders':
      return '_files -/';
    case 'any':
      return ' ';
  }
}

function argumentLines(specs: readonly string[]): string {
  return specs.map((spec) => `            ${spec}`).join(' \\\n');
}

function inBrackets(text: string): string {
  return text.replaceAll(/[[\]\\]/g, String.raw`\$&`);
}

function inColons(text: string): string {
  return text.replaceAll(/[:\\]/g, String.raw`\$&`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
