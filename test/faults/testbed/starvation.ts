// How long processes wait for a CPU. On a busy machine a gateway, or the function in this process, is late beyond the timeout of a request: what
// was accepted then comes again, and that is no fault. Where the kernel does not tell (`/proc/PID/task/PID/schedstat`), nothing is excused.
import { readFile } from 'node:fs/promises';
import { setInterval } from 'node:timers/promises';

const everyMs = 250;

/** The process waited for more than half of this time. */
export type Starvation = { name: string; fromMs: number; toMs: number };

/** Finds who waits for more than half of any `windowMs`, until it is aborted. */
export async function watchStarvation(
  watched: () => Iterable<{ name: string; pid: number }>,
  windowMs: number,
  onStarved: (starvation: Starvation) => void,
  signal: AbortSignal,
): Promise<void> {
  const samples = new Map<number, { atMs: number; waitedMs: number }[]>();
  try {
    for await (const _ of setInterval(everyMs, undefined, { signal })) {
      for (const { name, pid } of watched()) {
        const waitedMs = await readWait(pid);
        if (waitedMs === undefined) continue;
        const toMs = Date.now();
        const kept = (samples.get(pid) ?? []).filter(({ atMs }, index, all) => {
          const next = all[index + 1];
          return atMs >= toMs - windowMs || next === undefined || next.atMs > toMs - windowMs;
        });
        samples.set(pid, [...kept, { atMs: toMs, waitedMs }]);
        const [first] = kept;
        if (first !== undefined && waitedMs - first.waitedMs > windowMs / 2)
          onStarved({ name, fromMs: first.atMs, toMs });
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** How long the main thread of a process has waited in all, in ms. */
async function readWait(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').catch(() => '');
  const [, waitedNs] = text.split(' ');
  return waitedNs === undefined ? undefined : Number(waitedNs) / 1e6;
}
