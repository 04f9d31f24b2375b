// One run at a time in a kept directory. Kafka's own lock comes too late: a second broker has by then opened,
// and written to, the metadata log of the first.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../../core/contract/errors.ts';

/**
 * Makes the directory if need be and takes it for this process; returns what gives it back. The lock of a
 * process that is gone does not hold: its brokers went with it.
 * @throws MillraceError `MILLRACE_LOCAL_KAFKA_FAILED` when a living process has it
 */
export async function lockDir(dir: string): Promise<() => Promise<void>> {
  const path = join(dir, 'lock.pid');
  await mkdir(dir, { recursive: true });
  const holder = Number(await readFile(path, 'utf8').catch(() => ''));
  if (holder > 0 && isAlive(holder)) {
    throw new MillraceError(
      'MILLRACE_LOCAL_KAFKA_FAILED',
      `${dir} is in use by process ${holder}: stop it or choose another directory. No Kafka? Remove ${path}.`,
    );
  }
  await rm(path, { force: true });
  await writeFile(path, String(process.pid), { flag: 'wx' });
  return () => rm(path, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
