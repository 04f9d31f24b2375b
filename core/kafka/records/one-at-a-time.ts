// Work that takes much memory: one at a time in this process, first come, first served.

let last: Promise<unknown> = Promise.resolve();

/** Settles as `work` does, which begins when all that came before it has ended. */
export function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
  const done = last.then(work);
  // Its result is not kept.
  last = done.then(ended, ended);
  return done;
}

function ended(): void {
  // How it has ended is for whoever waits for it.
}
