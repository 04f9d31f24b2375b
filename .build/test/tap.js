// Runs tap as a process that leads its own group, so that everything its tests have started ends with it.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = join(root, 'node_modules', 'tap', 'dist', 'esm', 'run.mjs');
/** tap imports a reporter whose path begins with a dot; without one it would look for a package. */
const REPORTER = './.build/test/reporter.js';
const STOP_LIMIT_MS = 5_000;

const running = new Map();
let isStopped = false;

/** Lists the files that the patterns name, or those of .taprc without patterns. */
export async function listTests(patterns) {
  const { output } = await tap('list', patterns);
  return output.split('\n').filter((line) => line !== '');
}

/** Calls `onMessage` with each message of the reporter. Resolves with the exit code. */
export async function runTests(files, options, onMessage) {
  const { code } = await tap('run', [`--reporter=${REPORTER}`, ...options, ...files], onMessage);
  return code;
}

/** Says whether the last run covered what it had to, with a table of what it did not. */
export async function reportCoverage() {
  const { code, output } = await tap('report', []);
  return { isComplete: code === 0, table: output.trimEnd() };
}

/** Ends tap. Promises of its runs never resolve, because this process is about to end. */
export async function stopTap(signal) {
  isStopped = true;
  for (const child of running.keys()) signalGroup(child, signal);
  await Promise.race([Promise.all(running.values()), delay(STOP_LIMIT_MS)]);
  for (const child of running.keys()) signalGroup(child, 'SIGKILL');
}

/** The results come as messages. tap itself prints nothing of use in a run. */
async function tap(command, args, onMessage = () => {}) {
  const stdio = ['ignore', 'pipe', 'inherit', 'ipc'];
  const child = spawn(process.execPath, [program, command, ...args], { cwd: root, stdio, detached: true });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  child.on('message', (message) => isStopped || onMessage(message));
  const closed = new Promise((resolve) => child.once('close', resolve));
  running.set(child, closed);
  const code = await closed;
  running.delete(child);
  if (isStopped) await new Promise(() => {});
  return { code, output };
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended by itself.
  }
}
