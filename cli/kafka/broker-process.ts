// One run of a broker's JVM, in a session of its own, so that a Ctrl-C in the terminal does not reach it and this process decides
// when it ends. It never outlives this process, however that dies, because a watcher beside it waits for a pipe to close.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { MillraceError } from '../../core/contract/errors.ts';

/** `expected` is true if `kill` or `stop` ended it. */
export type BrokerExit = { code: number | null; signal: NodeJS.Signals | null; expected: boolean };

export type BrokerProcess = {
  readonly pid: number;
  /** Resolves when the process is gone and its output was read. Never rejects. */
  readonly exited: Promise<BrokerExit>;
  /**
   * Resolves once the broker serves clients.
   * @throws MillraceError `MILLRACE_LOCAL_KAFKA_FAILED` with the last log lines; the process is then gone
   */
  ready(limitMs: number): Promise<void>;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  kill(): Promise<void>;
  /** Asks it to shut down, and kills it after the limit. */
  stop(limitMs: number): Promise<void>;
};

export type BrokerCommand = {
  javaPath: string;
  args: readonly string[];
  /** Removed if this process dies without stopping the broker. */
  temporaryDir?: string | undefined;
  log: (line: string) => void;
};

/**
 * The shell becomes the JVM by `exec`, so the JVM has the shell's pid. The watcher reads until the pipe ends. That happens when
 * this process is gone, or after the JVM's own exit; in that case there is nothing to kill, so nothing is removed.
 */
const watchedExec = `
exec 3<&0
(read -r _; kill -9 $$ && [ -n "$0" ] && sleep 1 && rm -rf "$0") <&3 3<&- >/dev/null 2>&1 &
exec "$@" </dev/null 3<&-
`;

const readyLine = 'Kafka Server started';
const lastLineCount = 20;
const isStackFrame = (line: string): boolean => /^\s+(at |\.\.\. \d+ more)/.test(line);

export function spawnBroker({ javaPath, args, temporaryDir, log }: BrokerCommand): BrokerProcess {
  const child = spawn('sh', ['-c', watchedExec, temporaryDir ?? '', javaPath, ...args], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) {
    child.once('error', (error) => log(error.message));
    throw new MillraceError('MILLRACE_TOOL_MISSING', 'Starting a broker needs a POSIX shell, `sh`.');
  }

  const lastLines: string[] = [];
  const started = Promise.withResolvers<'started'>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (!isStackFrame(line)) lastLines.push(line);
      if (lastLines.length > lastLineCount) lastLines.shift();
      if (line.includes(readyLine)) started.resolve('started');
      log(line);
    });
  }

  let expected = false;
  let running = true;
  const end = Promise.withResolvers<BrokerExit>();
  child.once('close', (code, signal) => {
    running = false;
    end.resolve({ code, signal, expected });
  });
  const exited = end.promise;

  const kill = async (): Promise<void> => {
    expected = true;
    if (running) signalProcess(-pid, 'SIGKILL'); // the session: the JVM and its watcher
    await exited;
  };

  return {
    pid,
    exited,
    kill,
    signal: (signal) => {
      if (running) signalProcess(pid, signal);
    },
    async stop(limitMs) {
      expected = true;
      if (running) {
        signalProcess(pid, 'SIGCONT');
        signalProcess(pid, 'SIGTERM');
      }
      if ((await settledWithin(exited, limitMs)) === undefined) await kill();
    },
    async ready(limitMs) {
      const outcome = await settledWithin(Promise.race([started.promise, exited]), limitMs);
      if (outcome === 'started') return;
      await kill();
      throw startError(outcome, limitMs, lastLines);
    },
  };
}

function startError(
  exit: BrokerExit | undefined,
  limitMs: number,
  lastLines: readonly string[],
): MillraceError {
  const log = lastLines.join('\n');
  const what =
    exit === undefined
      ? `Kafka was not ready within ${limitMs / 1000} s`
      : `Kafka ended before it was ready (${exit.signal ?? `exit code ${exit.code}`})`;
  return new MillraceError('MILLRACE_LOCAL_KAFKA_FAILED', `${what}. Its last lines:\n${log}`);
}

/** Whether a broker did not start because another process took a port in the meantime. */
export function isPortClash(error: unknown): boolean {
  return error instanceof MillraceError && /Address already in use|BindException/.test(error.message);
}

/** The result of the promise, or undefined if the limit passes first. */
async function settledWithin<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  const limit = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => limit.resolve(undefined), limitMs);
  try {
    return await Promise.race([promise, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
