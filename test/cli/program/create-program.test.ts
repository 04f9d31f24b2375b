// What holds of every command: its help says all, and a name means one thing wherever it stands.
import type { Command, Option } from 'commander';
import t from 'tap';
import { createProgram } from '../../../cli/program/create-program.ts';
import { DocumentedCommand } from '../../../cli/program/documented-command.ts';
import { jsonOutputs } from '../../../cli/program/json-fields.ts';
import { readSettingHelp } from '../../../cli/program/setting-help.ts';
import { commandVariables } from '../../../cli/variables.ts';

const program = createProgram(await readSettingHelp());

function commandsBelow(command: Command): DocumentedCommand[] {
  return command.commands.flatMap((one) => [
    ...(one instanceof DocumentedCommand ? [one] : []),
    ...commandsBelow(one),
  ]);
}

const all = commandsBelow(program);
/** Pods run the others: nobody types them. */
const typed = all.filter((command) => command.name() !== 'demo-feed');

/** What is told of an option, except the command that has it. */
function meaningOf(option: Option): object {
  const { flags, description, variadic, mandatory, argChoices, parseArg } = option;
  return { flags, description, variadic, mandatory, argChoices, isParsed: parseArg !== undefined };
}

t.test('an option has one meaning, one form and one default wherever it stands', async (t) => {
  const first = new Map<string, { meaning: object; command: string }>();
  for (const command of all)
    for (const option of command.options)
      for (const name of [option.long, option.short].filter((flag) => flag !== undefined)) {
        const meaning = { ...meaningOf(option), default: option.defaultValue as unknown };
        const before = first.get(name);
        if (before === undefined) first.set(name, { meaning, command: command.name() });
        else t.strictSame(meaning, before.meaning, `${name} of ${command.name()}, as of ${before.command}`);
      }
});

t.test('a default is a value that the option takes', async (t) => {
  for (const command of all)
    for (const { flags, defaultValue, defaultValueDescription, parseArg } of command.options) {
      const given = defaultValueDescription ?? (typeof defaultValue === 'number' ? String(defaultValue) : '');
      if (parseArg === undefined || given === '' || Array.isArray(defaultValue)) continue;
      t.equal((parseArg as (text: string) => unknown)(given), defaultValue, `${command.name()} ${flags}`);
    }
});

t.test('what stands for a value is one of the known words, so that shells complete it', async (t) => {
  const words = ['n', 'duration', 'file', 'path', 'dir', 'url', 'name', 'text', 'topic', 'type', 'uri', 'id'];
  const known = new Set([...words, 'time', 'key', 'expr', 'name=value']);
  for (const command of all)
    for (const { flags, required } of command.options)
      if (required) t.ok(known.has(/<(.+)>/.exec(flags)?.[1] ?? ''), `${command.name()} ${flags}`);
});

t.test('each help has the environment and an example', async (t) => {
  for (const command of [program, ...typed]) {
    const help = command.helpInformation();
    t.match(help, /\nEnvironment:\n(.*\n)* {2}MILLRACE_DEBUG +\S/, command.name());
    t.match(help, /\nExamples:\n( {2}\$ .*millrace .*\n)+$/, command.name());
  }
  const read = typed.flatMap((command) => Object.keys(command.variables));
  for (const variable of Object.keys(commandVariables)) t.ok(read.includes(variable), variable);
  t.match(typed.find((command) => command.name() === 'scaler')?.variables, { SCALER_SERVICE: /^Where KEDA/ });
});

t.test('a variable that stands beside an option is one that the command reads', async (t) => {
  for (const command of typed)
    for (const { flags, description } of command.options)
      for (const [, name = ''] of description.matchAll(/\(([A-Z]+_[A-Z_]+|KUBECONFIG)\)/g))
        t.ok(name in command.variables, `${command.name()} ${flags}: ${name}`);
});

t.test('an example is a command line that is understood', async (t) => {
  for (const command of typed)
    for (const example of command.examples) {
      const [, name, rest = ''] = /\bmillrace (\S+)(.*)/.exec(example) ?? [];
      t.equal(name, command.name(), example);
      const flags = rest.match(/(?<= )--?[a-zA-Z-]+/g) ?? [];
      const known = command.options.flatMap(({ long, short }) => [long, short]);
      t.strictSame(
        flags.filter((flag) => !known.includes(flag)),
        [],
        example,
      );
    }
});

t.test('wherever there is output, it may be JSON', async (t) => {
  // The benchmark prints tables that people compare; a completion script is for a shell.
  const others = new Set(['bench', 'completion']);
  const withJson = typed.filter(({ options }) => options.some(({ long }) => long === '--json'));
  t.strictSame(
    typed.filter((command) => !withJson.includes(command)).map((command) => command.name()),
    [...others],
  );
  t.strictSame(withJson.map((command) => command.name()).toSorted(), Object.keys(jsonOutputs).toSorted());
});

t.test('what is not known, or no value that an option takes, is refused before anything runs', async (t) => {
  const stderr = t.capture(process.stderr, 'write', () => true);
  for (const line of [
    'sned',
    'help sned',
    'gateway --bogus',
    'gateway --admin-port 70000',
    'gateway --port 1',
    'dev',
    'validate',
    'demo --limit PT5S',
    'demo --once words',
    'demo-feed drink topic',
    'kafka --brokers 2',
    'send topic --header x',
    'create-topics a --partitions 0',
    'check http://localhost --timeout 5',
    'completion tcsh',
    'skip shop/mailer --partition 0',
    'skip shop/mailer --partition 0 --offset -1',
    'skip shop/mailer --partition x --offset 1',
  ]) {
    const parsed = createProgram().parseAsync(line.split(' '), { from: 'user' });
    await t.rejects(parsed, { code: /^commander\./, exitCode: 1 }, line);
    const written = stderr()
      .map(({ args }) => String(args[0]))
      .join('');
    if (!line.startsWith('help')) t.match(written, /^millrace: .+\n(.*\n)*\(millrace .*--help shows/, line);
  }
});
