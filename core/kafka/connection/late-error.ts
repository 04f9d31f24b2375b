// Limits to how long something is waited for, told by what was waited for.

/** Nothing came in time. */
export class LateError extends Error {
  constructor(stage: string, limitMs: number) {
    super(`${stage} within ${seconds(limitMs)} s`);
    this.name = 'LateError';
  }
}

/** What setTimeout takes at most; longer than any limit here. */
export const foreverMs = 2 ** 31 - 1;

/** Rejects with LateError, and then lets `work` go on for whoever else waits for it. */
export async function inTime<T>(work: Promise<T>, limitMs: number, stage: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const ms = Math.min(Math.max(0, limitMs), foreverMs);
    timer = setTimeout(() => reject(new LateError(stage(), limitMs)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

/** Rounded: what differs from one failure to the next would be told as another one. */
function seconds(limitMs: number): number {
  return limitMs < 1_000 ? Math.ceil(Math.max(0, limitMs) / 100) / 10 : Math.round(limitMs / 1_000);
}
