// Allows one run at a time in a data directory. Kafka's own lock comes too late: by then, a second broker has opened the
// metadata log of the first and written to it.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../../core/contract/errors.ts';

/**
 * Creates the directory if it is missing and locks it for this process. Returns a function that unlocks it. The lock of a
 * process that is gone does not count, because its brokers are gone too.
 * @throws MillraceError `MILLRACE_LOCAL_KAFKA_FAILED` if a running process holds the lock
 */
export async function lockDir(dir: string): Promise<() => Promise<void>> {
  const path = join(dir, 'lock.pid');
  await mkdir(dir, { recursive: true });
  const holder = Number(await readFile(path, 'utf8').catch(() => ''));
  if (holder > 0 && isAlive(holder)) {
    throw new MillraceError(
      'MILLRACE_LOCAL_KAFKA_FAILED',
      `${dir} is in use by process ${holder}: stop it or choose another directory. If that is no Kafka, remove ${path}.`,
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
