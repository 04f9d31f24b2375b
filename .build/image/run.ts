// Runs a program of the user's machine.
import { spawn } from 'node:child_process';

export interface Ended {
  /** Undefined: there is no such program. */
  readonly code: number | undefined;
  readonly stdout: string;
}

/** How long a program may take that is only asked something, in ms. */
const askMs = 20_000;

/** `isShown`: the user sees what it prints, and it may take its time. */
export function run(program: string, args: readonly string[], { isShown = false } = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: isShown ? 'inherit' : ['ignore', 'pipe', 'ignore'] });
    const timer = isShown ? undefined : setTimeout(() => child.kill('SIGKILL'), askMs);
    let stdout = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    const end = (code: number | undefined): void => {
      clearTimeout(timer);
      resolve({ code, stdout });
    };
    child.once('error', () => end(undefined));
    child.once('close', (code) => end(code ?? 1));
  });
}
