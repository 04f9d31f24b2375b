// How node:zlib is to unpack a batch.
import type { ZlibOptions } from 'node:zlib';

/** A batch that unpacks to more is large. */
export const largeBytes = 16 * 1024 * 1024;

/**
 * A large batch goes into one buffer, of which only the pages that are written take memory. Chunks would take as much as the buffer that they are
 * joined to, and a turn of the event loop each.
 */
export function outputOptions(maxBytes: number): Pick<ZlibOptions, 'maxOutputLength' | 'chunkSize'> {
  // No limit of zlib is 0.
  const maxOutputLength = Math.max(1, maxBytes);
  return maxBytes > largeBytes ? { maxOutputLength, chunkSize: maxBytes + 1 } : { maxOutputLength };
}
