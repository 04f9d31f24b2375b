// tap, as a process that leads a group of its own: what its tests have started ends with it.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = join(root, 'node_modules', 'tap', 'dist', 'esm', 'run.mjs');
/** A path of its own kind: tap imports what is no program and begins with a dot. */
const REPORTER = './.build/test/reporter.js';
const STOP_LIMIT_MS = 5_000;

const running = new Map();
let isStopped = false;

/** The files that the patterns name; without any, those of .taprc. */
export async function listTests(patterns) {
  const { output } = await tap('list', patterns);
  return output.split('\n').filter((line) => line !== '');
}

/** `onMessage` gets what the reporter sends. Resolves with the exit code. */
export async function runTests(files, options, onMessage) {
  const { code } = await tap('run', [`--reporter=${REPORTER}`, ...options, ...files], onMessage);
  return code;
}

/** Whether the last run covered all that it had to, and the table of what it did not. */
export async function reportCoverage() {
  const { code, output } = await tap('report', []);
  return { isComplete: code === 0, table: output.trimEnd() };
}

/** Whoever waits for tap hears no more of it: the process is about to end. */
export async function stopTap(signal) {
  isStopped = true;
  for (const child of running.keys()) signalGroup(child, signal);
  await Promise.race([Promise.all(running.values()), delay(STOP_LIMIT_MS)]);
  for (const child of running.keys()) signalGroup(child, 'SIGKILL');
}

/** In a run, tap's own output is two characters for the terminal: what is to be told comes as messages. */
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
