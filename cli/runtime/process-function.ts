// One process of a function: a dev-command run by the shell, in a process group of its own, with a PORT to listen on.
// It is ready when it accepts connections, and it never outlives us: a watcher in its group waits for our pipe to close.
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
  /** Resolves to true at the first accepted connection, to false where the process ended before. Never rejects. */
  readonly ready: Promise<boolean>;
  /** Resolves when the process has ended; its whole group is dead then. Never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** SIGTERM to the group, SIGKILL after `graceMs`; resolves when it is gone and its output was read. */
  stop(graceMs: number): Promise<void>;
}

export interface ProcessOptions {
  readonly command: string;
  readonly directory: string;
  readonly port: number;
  readonly env: NodeJS.ProcessEnv;
  readonly onLine: (line: string) => void;
}

/** Between two tries to connect; the held records leave at most this long after the function listens. */
const probeIntervalMs = 10;
const probeTimeoutMs = 1000;

/**
 * The watcher holds the read end of our pipe: it ends when we close it or die, however we die, and takes the group
 * with it; the signals that ask the function to stop are not for it. The shell waits for the command even while it
 * is asked to stop itself: its end is the end of the function.
 */
const watchedCommand = `
exec 3<&0
(trap '' TERM INT HUP; read -r _; kill -s KILL -- -$$) <&3 3<&- >/dev/null 2>&1 &
exec 3<&- </dev/null
trap 'exit 143' TERM
eval "$1"
`;

/** @throws MillraceError `MILLRACE_PROCESS_FAILED` where there is no shell or no such folder */
export async function startFunctionProcess(options: ProcessOptions): Promise<FunctionProcess> {
  const { command, directory, port, onLine } = options;
  const child = spawn('sh', ['-c', watchedCommand, 'dev-command', command], {
    cwd: directory,
    // Who decides about records is not the function's to be.
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

/** Groups to kill when we exit in a hurry; the watchers of the groups see to it where not even that is possible. */
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

/** After `exit`, once stdout and stderr have been read to their ends. */
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
