// Cleans up after a lab whose process died. The lab records each of its processes with its start time, so that a reused pid is never mistaken for
// one of them.

import { appendFileSync, readFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A process, distinguished from later ones with the same pid. */
export type Started = { pid: number; ticks: string };
type Entry = { owner: Started; process: Started };

export const labPrefix = 'millrace-lab-';
const fileName = 'processes.jsonl';

/** Records in the folder of its log that this process has started that one. */
export function writeDown(pid: number, logPath: string): void {
  const ticks = startTicks(pid);
  if (ticks === undefined) return; // it has ended, or this is not Linux
  const entry: Entry = { owner: ourselves(), process: { pid, ticks } };
  appendFileSync(join(dirname(logPath), fileName), `${JSON.stringify(entry)}\n`);
}

/** Ends the processes of every lab whose owner has ended, and removes its folder. */
export async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const dir = join(tmpdir(), name);
    if (!name.startsWith(labPrefix)) continue;
    const lines = (await readFile(join(dir, fileName), 'utf8').catch(() => '')).split('\n').filter(Boolean);
    const entries = lines.map((line) => JSON.parse(line) as Entry);
    if (entries.length === 0 || entries.some(({ owner }) => isSame(owner))) continue;
    for (const { process: started } of entries) if (isSame(started)) process.kill(started.pid, 'SIGKILL');
    await rm(dir, { recursive: true, force: true, maxRetries: 10 });
  }
}

export function ourselves(): Started {
  return { pid: process.pid, ticks: startTicks(process.pid) ?? '' };
}

/** Whether the process still runs. */
export function isSame({ pid, ticks }: Started): boolean {
  return startTicks(pid) === ticks;
}

/** The start time in the kernel's ticks since boot: the 22nd field, counted from behind the name, which may contain spaces. */
function startTicks(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19];
  } catch {
    return undefined;
  }
}
