// One process of a function: a dev-command that the shell runs, in a process group of its own, with a PORT to listen on. It is
// ready when it accepts connections. It never outlives this process: a watcher in its group waits for a pipe to close.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../core/contract/errors.ts';

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface FunctionProcess {
  readonly pid: number;
  /** Where it serves once it is ready: `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** Resolves to true at the first accepted connection, or to false if the process ended before. Never rejects. */
  readonly ready: Promise<boolean>;
  /** Resolves when the process has ended and its whole group is dead. Never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** Sends SIGTERM to the group, and SIGKILL after `graceMs`. Resolves when it is gone and its output was read. */
  stop(graceMs: number): Promise<void>;
}

export interface ProcessOptions {
  readonly command: string;
  readonly directory: string;
  readonly port: number;
  readonly env: NodeJS.ProcessEnv;
  readonly onLine: (line: string) => void;
}

/** Time between two attempts to connect. It is the longest that held records wait after the function listens. */
const probeIntervalMs = 10;
const probeTimeoutMs = 1000;

/**
 * The watcher reads from a pipe whose other end this process holds. The read ends when this process closes the pipe or dies,
 * however it dies, and then the watcher kills the group. It ignores the signals that ask the function to stop. The shell waits
 * for the command even when it is asked to stop itself, so that the end of the shell is the end of the function.
 */
const watchedCommand = `
exec 3<&0
(trap '' TERM INT HUP; read -r _; kill -s KILL -- -$$) <&3 3<&- >/dev/null 2>&1 &
exec 3<&- </dev/null
trap 'exit 143' TERM
eval "$1"
`;

/** @throws MillraceError `MILLRACE_PROCESS_FAILED` if there is no shell or no such folder */
export async function startFunctionProcess(options: ProcessOptions): Promise<FunctionProcess> {
  const { command, directory, port, onLine } = options;
  const child = spawn('sh', ['-c', watchedCommand, 'dev-command', command], {
    cwd: directory,
    // Functions must not get the token that authorizes skipping records.
    env: { ...process.env, MILLRACE_ADMIN_TOKEN: undefined, ...options.env, PORT: String(port) },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const pid = await pidOf(child, options);
  livingGroups.add(pid);

  const closed = closeOf(child);
  const exited = exitOf(child).then((exit) => {
    killGroup(pid);
    livingGroups.delete(pid);
    return exit;
  });
  let running = true;
  void exited.then(() => (running = false));
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine);

  return {
    pid,
    origin: `http://127.0.0.1:${port}`,
    exited,
    ready: acceptsConnections(port, () => running),
    async stop(graceMs) {
      if (running) signalGroup(pid, 'SIGTERM');
      const grace = new AbortController();
      const inTime = exited.then(() => true);
      const late = sleep(graceMs, false, { signal: grace.signal }).catch(() => false);
      if (!(await Promise.race([inTime, late]))) killGroup(pid);
      grace.abort();
      await closed;
    },
  };
}

/** Groups to kill when this process exits early. Where even that is impossible, the watchers of the groups kill them. */
const livingGroups = new Set<number>();
process.on('exit', () => {
  for (const pid of livingGroups) killGroup(pid);
});

async function pidOf(child: ChildProcess, { command, directory }: ProcessOptions): Promise<number> {
  if (child.pid !== undefined) return child.pid;
  const cause = await new Promise((resolve) => child.once('error', resolve));
  const message = `“${command}” could not be started in ${directory}`;
  throw new MillraceError('MILLRACE_PROCESS_FAILED', message, { cause });
}

function exitOf(child: ChildProcess): Promise<ProcessExit> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
}

/** Resolves after `exit`, once stdout and stderr are completely read. */
function closeOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('close', () => resolve()));
}

async function acceptsConnections(port: number, isRunning: () => boolean): Promise<boolean> {
  while (isRunning()) {
    if (await canConnect(port)) return isRunning();
    await sleep(probeIntervalMs);
  }
  return false;
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: probeTimeoutMs });
    const settle = (connected: boolean): void => {
      socket.destroy();
      resolve(connected);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
    socket.once('timeout', () => settle(false));
  });
}

function killGroup(pid: number): void {
  signalGroup(pid, 'SIGKILL');
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
