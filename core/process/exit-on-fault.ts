// What a process does at an exception that no part of it has contained: it says so in its log, and exits at once. What its memory holds may be
// wrong by then, and a drain would commit by it. So nothing is committed any more, as at a crash: what was in flight, and what was settled since the
// last commit, is delivered again by whoever comes next.
import type { Logger } from 'pino';
import { faultFields } from './fault-fields.ts';

const faultCode = 1;

/** From now on. The log must write synchronously. */
export function exitOnFault(log: Logger): void {
  const exit = (fault: unknown): void => {
    try {
      log.fatal(faultFields(fault), 'a fault that concerns the whole process: it exits');
    } finally {
      process.exit(faultCode);
    }
  };
  process.on('uncaughtException', exit).on('unhandledRejection', exit);
}
