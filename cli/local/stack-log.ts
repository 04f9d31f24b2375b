// The log of gateway and scaler where they run in a terminal: words instead of JSON, and only what matters.
import type { Logger } from 'pino';
import { createLog } from '../../core/process/log.ts';

/** pino's number of `info`. */
const infoLevel = 30;

/**
 * Writes `gateway geo/alerts: message (error)` for each entry of `level` or above. Who is shown a warning is also shown when its cause is
 * over. The Kafka client's own messages, which have a
 * `namespace`, are written at `debug` only: what matters of them is logged by the part of Millrace that uses the client.
 */
export function createStackLog(level: string, write: (line: string) => void): Logger {
  return createLog(level === 'warn' ? 'info' : level, {
    write: (json) => {
      const entry = JSON.parse(json) as LogEntry;
      if (level === 'warn' && entry.level <= infoLevel && entry.recovered !== true) return;
      if (entry.namespace === undefined || level === 'debug') write(textOf(entry));
    },
  });
}

interface LogEntry {
  readonly level: number;
  readonly recovered?: boolean;
  readonly msg?: string;
  /** Only the Kafka client's own messages have one. */
  readonly namespace?: string;
  readonly component?: string;
  readonly trigger?: string;
  readonly error?: string;
  readonly reason?: string;
  readonly detail?: string;
}

function textOf({ msg = '', component, trigger, error, reason, detail }: LogEntry): string {
  const who = [component, trigger].filter((part) => part !== undefined).join(' ');
  const cause = error ?? [reason, detail].filter(Boolean).join(': ');
  return `${who === '' ? '' : `${who}: `}${msg}${cause === '' ? '' : ` (${cause})`}`;
}
