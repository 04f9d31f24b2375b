// What a command gets from the terminal, and how it ends: signals, broken pipes, errors, exit codes.
import { describeError, MillraceError } from '../core/contract/errors.ts';

export interface CommandIo {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
  /** Aborts at the first Ctrl-C or SIGTERM: the command finishes what it has begun, and resolves. */
  readonly signal: AbortSignal;
}

/** Resolves with the exit code. What it throws is shown to the user. */
export type Command = (io: CommandIo) => Promise<number>;

const interruptedCode = 130;
/** A second signal so soon is the first one: npm passes on the Ctrl-C that the terminal has sent to all of us. */
const sameSignalMs = 300;

/** Runs `command` as all that this process does, and exits. A second Ctrl-C does not wait for anything. */
export async function runCommand(command: Command): Promise<never> {
  const { stdin, stdout, stderr, env } = process;
  const { signal, interrupt } = listenForInterrupts();
  process.removeAllListeners('warning').on('warning', (warning) => stderr.write(warningText(warning)));
  for (const stream of [stdout, stderr]) stream.on('error', interrupt); // nobody reads on: EPIPE
  let code = 1;
  try {
    code = await command({ stdin, stdout, stderr, env, signal });
  } catch (error) {
    const isInterrupted = signal.aborted && error === signal.reason;
    if (isInterrupted) code = interruptedCode;
    else stderr.write(errorText(error, env.MILLRACE_DEBUG === '1'));
  }
  await Promise.all([flushed(stdout), flushed(stderr)]);
  process.exit(code);
}

function listenForInterrupts(): { signal: AbortSignal; interrupt: () => void } {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  let firstMs: number | undefined;
  const onSignal = (): void => {
    firstMs ??= Date.now();
    if (Date.now() - firstMs > sameSignalMs) process.exit(interruptedCode);
    interrupt();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  return { signal: controller.signal, interrupt };
}

/** Resolves when all that was written is out, or cannot be. */
function flushed(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}

/** The Kafka client sets timers into the past, which Node remarks on; nobody can do anything about it. */
function warningText({ name, message }: Error): string {
  return name === 'TimeoutNegativeWarning' ? '' : `${name}: ${message}\n`;
}

/** Message, code and remedy; the stack only for who asks for it. */
function errorText(error: unknown, withStack: boolean): string {
  const lines = [`millrace: ${describeError(error)}`];
  if (error instanceof MillraceError) lines.push(`  ${error.code}: ${error.remedy}`);
  if (withStack && error instanceof Error) lines.push(error.stack ?? '');
  else if (!(error instanceof MillraceError)) lines.push('  MILLRACE_DEBUG=1 shows where this came from.');
  return `${lines.join('\n')}\n`;
}

/** Resolves when `signal` aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
