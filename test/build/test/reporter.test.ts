// tap runs files that end in every possible way, and the reporter reports each of them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const program = fileURLToPath(new URL('../../../node_modules/tap/dist/esm/run.mjs', import.meta.url));
const reporter = fileURLToPath(new URL('../../../.build/test/reporter.js', import.meta.url));

/** With other plugins than ours tap would build itself anew. */
const settings = "plugin: ['!@tapjs/typescript']\ntimeout: 3\njobs: 2\n";

type Told = { name: string; passed: number; failed: number; skipped: number; details: string };

/** Each a file of tests, by the name that it has without `.test.js`. */
const files = {
  passed: `console.log('unheard'); t.pass(); t.test('empty', async () => {}); t.comment('note: heard');`,
  failed: `console.error('heard'); t.test('outer', async (t) => { t.pass(); t.equal(1, 2, 'one is two'); });`,
  skipped: `t.pass('later', { skip: true }); t.fail('one day', { todo: true });`,
  thrown: `t.test('outer', async (t) => { t.pass(); throw new Error('why'); });`,
  exited: `t.test('outer', async (t) => { t.pass(); setTimeout(() => process.exit(0)); await new Promise(() => {}); });`,
  broken: `import './absent.js';`,
  ended: `process.kill(process.pid, 'SIGKILL');`,
  hanging: `t.pass(); setInterval(() => {}, 1_000);`,
  empty: ``,
};

async function tellAll(): Promise<Map<string, Told>> {
  const contents = Object.entries(files).map(([name, text]) => [
    `${name}.test.js`,
    `import t from 'tap';\n${text}\n`,
  ]);
  const cwd = t.testdir({ ...Object.fromEntries(contents), '.taprc': settings, '.git': {} });
  // Of a tap within tap, those make one that prints TAP.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^_?TAP/.test(name)));
  const names = Object.keys(files).map((name) => `${name}.test.js`);
  const args = [program, 'run', `--reporter=${reporter}`, '--disable-coverage', ...names];
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const told = new Map<string, Told>();
  child.on('message', (message: Told) => {
    if ('failed' in message) told.set(message.name.replace('.test.js', ''), message);
  });
  await once(child, 'close');
  return told;
}

t.test('the reporter counts and describes each way in which a file can end', async (t) => {
  const told = await tellAll();
  const counts = Object.fromEntries(
    [...told].map(([name, { passed, failed, skipped }]) => [name, [passed, failed, skipped]]),
  );
  t.same(counts, {
    passed: [1, 0, 0],
    failed: [1, 1, 0],
    skipped: [0, 0, 2],
    thrown: [1, 1, 0],
    exited: [1, 1, 0],
    broken: [0, 1, 0],
    ended: [0, 1, 0],
    hanging: [1, 1, 0],
    empty: [0, 1, 0],
  });
  const details = (name: keyof typeof files): string => told.get(name)?.details ?? '';
  t.equal(details('passed'), 'note: heard');
  t.match(
    details('failed'),
    /^outer › one is two\n {2}at failed\.test\.js:2:\d+\n[^]*\nits output:\n {2}heard$/,
  );
  t.match(details('thrown'), /^outer › why\n {2}at thrown\.test\.js:2:/);
  t.match(details('exited'), /^outer › test unfinished\n/);
  t.match(details('broken'), /^exit code 1\nits output:\n[^]*ERR_MODULE_NOT_FOUND/);
  t.equal(details('ended'), 'ended by SIGKILL');
  t.match(details('hanging'), /^timeout!\n {2}still busy when its time was over/);
  t.equal(details('empty'), 'no assertions');
});
