// What every command shares: streams, environment, signals, broken pipes, errors, and exit codes.
import { describeError, MillraceError } from '../core/contract/errors.ts';

export interface CommandIo {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
  /** Aborts at the first Ctrl-C or SIGTERM. The command then finishes what it has begun, and resolves. */
  readonly signal: AbortSignal;
}

/** Resolves with the exit code. An error that it throws is shown to the user. */
export type Command = (io: CommandIo) => Promise<number>;

const interruptedCode = 130;
const failureCode = 1;
/** The exit code of a command that was used wrongly: unknown words, wrong values, missing or wrong settings. */
export const wrongUseCode = 2;
/** A second signal within this time counts as the first: npm forwards the Ctrl-C that the terminal also sends to this process. */
const sameSignalMs = 300;

/** Runs `command` and exits the process. A second Ctrl-C exits without waiting for anything. */
export async function runCommand(command: Command): Promise<never> {
  const { stdin, stdout, stderr, env } = process;
  const { signal, interrupt } = listenForInterrupts();
  process.removeAllListeners('warning').on('warning', (warning) => stderr.write(warningText(warning)));
  for (const stream of [stdout, stderr]) stream.on('error', interrupt); // EPIPE: the reader has gone
  let code = failureCode;
  try {
    code = await command({ stdin, stdout, stderr, env, signal });
  } catch (error) {
    if (signal.aborted && isAbort(error, signal)) code = interruptedCode;
    else {
      if (error instanceof MillraceError && error.code === 'MILLRACE_CONFIG_INVALID') code = wrongUseCode;
      stderr.write(errorText(error, env.MILLRACE_DEBUG === '1'));
    }
  }
  await Promise.all([flushed(stdout), flushed(stderr)]);
  process.exit(code);
}

/** Node's timers and streams reject with an error of their own, of which the reason is the cause. */
function isAbort(error: unknown, { reason }: AbortSignal): boolean {
  return error === reason || (error instanceof Error && error.cause === reason);
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

/** Resolves when everything written is flushed, or can no longer be. */
function flushed(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}

/** Suppresses the warning about timers in the past, which the Kafka client sets. The user cannot do anything about it. */
function warningText({ name, message }: Error): string {
  return name === 'TimeoutNegativeWarning' ? '' : `${name}: ${message}\n`;
}

/** Message, code and remedy, and with MILLRACE_DEBUG=1 the stack. */
function errorText(error: unknown, withStack: boolean): string {
  const lines = [`millrace: ${describeError(error)}`];
  if (error instanceof MillraceError) lines.push(`  ${error.code}: ${error.remedy}`);
  if (withStack && error instanceof Error) lines.push(error.stack ?? '');
  else if (!(error instanceof MillraceError)) lines.push('  MILLRACE_DEBUG=1 shows where this came from.');
  return `${lines.join('\n')}\n`;
}

/** Prints an object as one line of JSON. */
export function printJson({ stdout }: { readonly stdout: NodeJS.WritableStream }, value: object): void {
  stdout.write(`${JSON.stringify(value)}\n`);
}

/** Resolves when `signal` aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
