import { spawnSync } from 'node:child_process';
import t from 'tap';

const modules = ['exit-on-fault', 'log'].map((name) =>
  JSON.stringify(new URL(`../../../core/process/${name}.ts`, import.meta.url).href),
);

/** A process that would live for ever. */
function run(statement: string, log = 'createLog("info")') {
  const program = `
    const { exitOnFault } = await import(${modules[0]});
    const { createLog } = await import(${modules[1]});
    exitOnFault(${log});
    setInterval(() => undefined, 1_000);
    ${statement}`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 30_000,
  });
}

t.test('a fault that nobody contains ends the process, and stands in its log', async (t) => {
  for (const statement of [
    'setImmediate(() => { throw new TypeError("a bug"); });',
    'void Promise.reject(new TypeError("a bug"));',
  ]) {
    const { status, stderr } = run(statement);
    t.equal(status, 1);
    t.match(JSON.parse(stderr), { level: 60, error: 'a bug', stack: /^at / });
  }
});

t.test('it ends also where the log is what fails', async (t) => {
  const log = '{ fatal: () => { throw new Error("no space left"); } }';
  t.equal(run('void Promise.reject("a bug");', log).status, 1);
});
