// Free ports on 127.0.0.1. A port counts as free if this process could listen on it a moment ago. Another process may still
// take it first, so callers retry with other ports.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { MillraceError } from '../../core/contract/errors.ts';

/**
 * The range is below the ports that systems use for outgoing connections (32768 and up on Linux). Otherwise, a client that
 * reconnects to a stopped broker could get the broker's own port, connect to itself, and block the broker's restart.
 */
const lowestPort = 20_000;
const highestPort = 29_999;

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** Returns `count` distinct free ports. */
export async function findFreePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries += 1) {
    if (tries === 500) {
      const range = `${lowestPort}–${highestPort}`;
      throw new MillraceError(
        'MILLRACE_LOCAL_KAFKA_FAILED',
        `No port in ${range} on 127.0.0.1 is free: stop what listens there.`,
      );
    }
    const port = lowestPort + Math.floor(Math.random() * (highestPort - lowestPort + 1));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

/** @throws MillraceError `MILLRACE_LOCAL_KAFKA_FAILED` */
export async function requireFreePort(port: number): Promise<void> {
  if (await isFree(port)) return;
  throw new MillraceError(
    'MILLRACE_LOCAL_KAFKA_FAILED',
    `Port ${port} on 127.0.0.1 is in use: stop what listens there, or choose another port (0 for any).`,
  );
}
