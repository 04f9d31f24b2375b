// A process of the lab, in its own session, with its output in a file. It never outlives this process, however that dies: a watcher beside it waits
// until this process's end of a pipe is closed.

import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { writeDown } from './leftovers.ts';

export type LabProcess = {
  readonly pid: number;
  readonly name: string;
  /** Resolves when the process has ended. */
  readonly exited: Promise<void>;
  isRunning(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Sends SIGTERM, and SIGKILL after the limit. */
  stop(limitMs?: number): Promise<void>;
  /** The last part of its output, for error messages. */
  lastLines(): Promise<string>;
};

/** The shell becomes the program by `exec`, so that the pid stays the same. */
const watchedExec = `
exec 3<&0
(read -r _; kill -9 $$) <&3 3<&- >/dev/null 2>&1 &
exec "$@" </dev/null 3<&-
`;

const shownLines = 15;

export function startProcess(
  name: string,
  command: readonly string[],
  logPath: string,
  env: NodeJS.ProcessEnv = process.env,
): LabProcess {
  const log = openSync(logPath, 'a');
  const child = spawn('sh', ['-c', watchedExec, name, ...command], {
    detached: true,
    stdio: ['pipe', log, log],
    env,
  });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new Error('A POSIX shell `sh` is needed.');
  writeDown(pid, logPath);
  let running = true;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      running = false;
      signalProcess(-pid, 'SIGKILL'); // the watcher
      resolve();
    });
  });
  return {
    pid,
    name,
    exited,
    isRunning: () => running,
    signal: (signal) => {
      if (running) signalProcess(pid, signal);
    },
    async stop(limitMs = 10_000) {
      if (!running) return;
      signalProcess(pid, 'SIGTERM');
      const limit = setTimeout(() => signalProcess(-pid, 'SIGKILL'), limitMs);
      await exited;
      clearTimeout(limit);
    },
    lastLines: async () => {
      const lines = (await readFile(logPath, 'utf8').catch(() => '')).trimEnd().split('\n');
      return lines.slice(-shownLines).join('\n');
    },
  };
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
