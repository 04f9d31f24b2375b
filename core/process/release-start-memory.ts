// Gives back the memory that only the start of a process needs. While modules load, V8's young generation grows to 32 MB, and V8 keeps it for
// as long as little is allocated: an idle gateway would have a third more than it uses.
import { Session } from 'node:inspector';
import { setFlagsFromString } from 'node:v8';

/** Resolves when all garbage is collected and freed. The process stands still meanwhile, for some tenths of a second. */
export async function releaseStartMemory(): Promise<void> {
  const session = new Session();
  session.connect();
  // The only full collection that Node.js offers without a flag.
  await new Promise<void>((resolve) => session.post('HeapProfiler.collectGarbage', () => resolve()));
  session.disconnect();
}

/**
 * From here on, garbage that has become old is collected when it is a quarter of what is in use, not a multiple of it: for a process that holds
 * much and does little. V8 otherwise lets a gateway with thousands of triggers at rest grow to more than twice its size between two collections.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=25');
}
