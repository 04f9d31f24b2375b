// Whether the function that is written in Python can run here.
import { execFile } from 'node:child_process';

/** True where `python3` runs. */
export function hasPython(): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('python3', ['--version'], (error) => resolve(error === null));
  });
}
