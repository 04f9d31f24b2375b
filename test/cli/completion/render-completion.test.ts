// The completion scripts in the shells that this machine has.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { wordsOf } from '../../../cli/completion/completion-words.ts';
import { renderCompletion, shells, type Shell } from '../../../cli/completion/render-completion.ts';
import { createProgram } from '../../../cli/program/create-program.ts';
import { runCli } from '../fixtures/run-cli.ts';

t.setTimeout(120_000);

const words = wordsOf(createProgram());

interface Ran {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[], cwd: string): Promise<Ran> {
  const env = { ...process.env, HOME: cwd, NODE_OPTIONS: '' };
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

/** A folder with the script of `shell`; undefined, and said, where this machine has no such shell. */
async function scriptFor(t: Test, shell: Shell): Promise<string | undefined> {
  const folder = t.testdir({ 'orders.yaml': '', 'two words.yaml': '', deploy: {}, 'order.json': '' });
  if ((await run(shell, ['-c', 'exit 0'], folder)).code !== 0) {
    t.pass('the script', { skip: `${shell} is not installed here` });
    return undefined;
  }
  await writeFile(join(folder, 'script'), renderCompletion(shell, words));
  return folder;
}

t.test('bash', async (t) => {
  const folder = await scriptFor(t, 'bash');
  if (folder === undefined) return;
  const complete = async (...typed: string[]): Promise<string[]> => {
    const script =
      'source ./script; COMP_WORDS=(millrace "$@"); COMP_CWORD=$#; _millrace; printf "%s\\n" "${COMPREPLY[@]}"';
    const { stdout, stderr } = await run('bash', ['--norc', '-c', script, 'bash', ...typed], folder);
    t.notMatch(stderr, /syntax|unexpected|not found/);
    return stdout.split('\n').filter((line) => line !== '');
  };
  t.strictSame(await complete('ga'), ['gateway']);
  t.strictSame(
    await complete(''),
    [...words.commands.map(({ name }) => name), '-V', '--version', '-h', '--help'],
    'every command',
  );
  t.strictSame(await complete('skip', '--pa'), ['--partition']);
  t.strictSame(await complete('kafka', '--brokers', ''), ['1', '3']);
  t.strictSame(await complete('kafka', '--brokers', '='), ['1', '3'], 'bash splits at =');
  t.strictSame(await complete('kafka', '--brokers', '=', '3'), ['3']);
  t.strictSame(await complete('dev', 'd'), ['deploy'], 'folders');
  t.strictSame(await complete('validate', 't'), ['two words.yaml'], 'a name with a space is one');
  t.strictSame(await complete('send', '-f', 'order'), ['order.json', 'orders.yaml'].toSorted());
  t.strictSame(await complete('completion', ''), [...shells]);
  t.strictSame(await complete('help', 'sk'), ['skip']);
  t.strictSame(await complete('skip', '--partition', ''), [], 'nothing is known of it');
});

/** zsh completes in its line editor alone: a second zsh types into it, presses Tab, and has the line printed. */
const zshDriver = `
zmodload zsh/zpty
zpty inner "\${ZSH_NAME} -f -i"
zpty -w inner "module_path=($module_path); fpath=($fpath); PS1="
zpty -w inner 'autoload -Uz compinit; compinit -u -D; source ./script; unsetopt list_ambiguous auto_list beep'
zpty -w inner 'told() { print -r -- "<<$BUFFER>>"; BUFFER= }; zle -N told; bindkey "^X" told; bindkey "^I" complete-word'
zpty -w inner 'echo RE""ADY'
zpty -r -m inner out '*READY*'
for line in "$@"; do
  zpty -w -n inner "$line"$'\\t\\x18'
  zpty -r -m inner out '*<<*>>*'
  print -r -- "\${\${out##*<<}%%>>*}"
done
zpty -d inner
`;

t.test('zsh', async (t) => {
  const folder = await scriptFor(t, 'zsh');
  if (folder === undefined) return;
  await writeFile(join(folder, 'driver'), zshDriver);
  const typed = {
    'millrace ga': 'millrace gateway ',
    'millrace skip --par': 'millrace skip --partition=',
    'millrace completion z': 'millrace completion zsh ',
    'millrace dev d': 'millrace dev deploy/',
    'millrace validate tw': String.raw`millrace validate two\ words.yaml `,
    'millrace send -f order.': 'millrace send -f order.json ',
    'millrace help sk': 'millrace help skip ',
  };
  const { stdout, stderr } = await run('zsh', ['-f', './driver', ...Object.keys(typed)], folder);
  t.strictSame(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.trimEnd()),
    Object.values(typed).map((line) => line.trimEnd()),
    stderr,
  );
});

t.test('fish', async (t) => {
  const folder = await scriptFor(t, 'fish');
  if (folder === undefined) return;
  const complete = async (line: string): Promise<string[]> => {
    const args = ['--no-config', '-c', 'source ./script; complete -C $argv[1]', line];
    const { stdout } = await run('fish', args, folder);
    return stdout
      .split('\n')
      .flatMap((text) => text.split('\t', 1))
      .filter((text) => text !== '');
  };
  t.strictSame(await complete('millrace ga'), ['gateway']);
  t.strictSame((await complete('millrace ')).toSorted(), words.commands.map(({ name }) => name).toSorted());
  t.strictSame(await complete('millrace skip --pa'), ['--partition']);
  t.strictSame(await complete('millrace kafka --brokers '), ['1', '3']);
  t.strictSame(await complete('millrace send --file order.'), ['order.json']);
  t.strictSame(await complete('millrace completion '), ['bash', 'fish', 'zsh']);
  t.strictSame(await complete('millrace help sk'), ['skip']);
});

t.test('the command prints the script, and refuses other shells', async (t) => {
  t.match(await runCli(t, ['completion', 'bash']), {
    code: 0,
    stdout: renderCompletion('bash', words),
    stderr: '',
  });
  t.match(await runCli(t, ['completion', 'tcsh']), {
    code: 2,
    stderr: /Allowed choices are bash, zsh, fish/,
  });
});
