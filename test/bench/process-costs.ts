// What a process costs, as Linux tells it: nothing is asked of the process, which would cost it something.
import { readdir, readFile, readlink } from 'node:fs/promises';

export interface ProcessCosts {
  /** CPU time so far. */
  cpuMs(): Promise<number>;
  residentMiB(): Promise<number>;
  /** The most so far. */
  peakMiB(): Promise<number>;
  /** TCP connections to a port of this machine. */
  socketsTo(port: number): Promise<number>;
}

export function costsOf(pid: number): ProcessCosts {
  const read = (file: string): Promise<string> => readFile(`/proc/${pid}/${file}`, 'utf8');
  return {
    async cpuMs() {
      // The name of the program, in parentheses, may have spaces: utime and stime are the 12th and 13th field after it, in ticks of 10 ms.
      const fields = (await read('stat')).split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) * 10;
    },
    residentMiB: async () => mibOf('VmRSS', await read('status')),
    peakMiB: async () => mibOf('VmHWM', await read('status')),
    async socketsTo(port) {
      const files = await readdir(`/proc/${pid}/fd`);
      const links = await Promise.all(
        files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')),
      );
      const own = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]));
      const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
      const rows = [await read('net/tcp'), await read('net/tcp6')].join('\n').split('\n');
      return rows.filter((row) => {
        const fields = row.trim().split(/\s+/);
        return fields[2]?.endsWith(remote) === true && own.has(fields[9]);
      }).length;
    },
  };
}

function mibOf(name: string, status: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024;
}

/** Of one core, between two looks `seconds` apart. */
export async function shareOfCore(cpuMs: () => Promise<number>, seconds: number): Promise<number> {
  const [before, startMs] = [await cpuMs(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return ((await cpuMs()) - before) / (performance.now() - startMs);
}
