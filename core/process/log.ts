// The log of every process: JSON lines on standard error, because standard output belongs to what a command prints. It shows no secrets.
//
// `error` describes an Error that was caught, with `code` and `remedy` where Millrace raised it (`errorFields`). `reason` says in words why
// something is so where no Error was caught. `recovered` is true where a line says that what an earlier warning reported is over.
import { pino, type DestinationStream, type Logger } from 'pino';
import { redactedPaths } from './redacted-fields.ts';

/** Writes to `destination`, or to standard error. `level` is a number in each line, as in pino. */
export function createLog(level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: [...redactedPaths], censor: '[redacted]' },
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
}
