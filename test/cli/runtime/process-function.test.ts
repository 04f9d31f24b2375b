import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import t from 'tap';
import type { Test } from 'tap';
import { findFreePorts } from '../../../cli/kafka/free-ports.ts';
import { startFunctionProcess } from '../../../cli/runtime/process-function.ts';
import type { FunctionProcess } from '../../../cli/runtime/process-function.ts';
import { isGone } from '../fixtures/is-gone.ts';

const directory = `${import.meta.dirname}/fixtures`;
const server = `"${process.execPath}" server.js`;

async function start(t: Test, command: string): Promise<{ started: FunctionProcess; lines: string[] }> {
  const [port = 0] = await findFreePorts(1);
  const lines: string[] = [];
  const onLine = (line: string): void => void lines.push(line);
  const started = await startFunctionProcess({
    command,
    directory,
    port,
    env: { MILLRACE_TRIGGER: 'geo/test' },
    onLine,
  });
  t.teardown(() => started.stop(0));
  return { started, lines };
}

/** The pid that a line such as `child 123` names. */
function pidIn(lines: readonly string[], word: string): number {
  return Number(lines.find((line) => line.startsWith(`${word} `))?.split(' ')[1]);
}

t.test(
  'is ready when it accepts connections, and serves with the PORT and environment it was given',
  async (t) => {
    const { started, lines } = await start(t, server);
    t.equal(await started.ready, true);
    t.equal(await (await fetch(started.origin)).text(), 'geo/test');
    await started.stop(5000);
    t.match(await started.exited, { code: 143 });
    t.match(lines, [/^pid \d+$/, 'listening'], 'both outputs are read to their ends');
  },
);

t.test('is never ready where it ends before', async (t) => {
  const { started } = await start(t, `${server} broken`);
  t.equal(await started.ready, false);
  t.strictSame(await started.exited, { code: 1, signal: null });
});

t.test('reports a command that does not exist', async (t) => {
  const { started, lines } = await start(t, 'no-such-command-here');
  t.match(await started.exited, { code: 127 });
  await started.stop(0);
  t.match(lines.join('\n'), /no-such-command-here.*not found/);
});

t.test('reports a folder that does not exist', async (t) => {
  const options = {
    command: server,
    directory: '/no/such/folder',
    port: 1,
    env: {},
    onLine: () => undefined,
  };
  await t.rejects(startFunctionProcess(options), {
    code: 'MILLRACE_PROCESS_FAILED',
    message: /no\/such\/folder/,
  });
});

t.test('is killed if it ignores SIGTERM', async (t) => {
  const { started, lines } = await start(t, `${server} deaf`);
  await started.ready;
  await started.stop(200);
  t.match(await started.exited, { signal: 'SIGKILL' });
  t.ok(lines.includes('SIGTERM ignored'));
});

t.test('what it started dies with it', async (t) => {
  const { started, lines } = await start(t, `${server} child; true`);
  await started.ready;
  const child = pidIn(lines, 'child');
  await fetch(`${started.origin}/crash`).catch(() => undefined);
  await started.exited;
  t.ok(await isGone(child));
  t.ok(await isGone(pidIn(lines, 'pid')));
});

t.test('nothing outlives us, even where we are killed', async (t) => {
  const [port = 0] = await findFreePorts(1);
  const parent = spawn(process.execPath, [
    `${directory}/outlived.ts`,
    String(port),
    `${server} deaf child`,
    directory,
  ]);
  const lines: string[] = [];
  const output = createInterface({ input: parent.stdout }).on('line', (line) => lines.push(line));
  while (!lines.includes('ready')) await once(output, 'line');
  parent.kill('SIGKILL');
  t.ok(await isGone(pidIn(lines, 'pid')));
  t.ok(await isGone(pidIn(lines, 'child')));
});
