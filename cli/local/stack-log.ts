// The log of gateway and scaler where they run in a terminal: words instead of JSON, and only what matters.
import { pino, type Logger } from 'pino';

/**
 * Writes `gateway: message (error)` for each entry of `level` or above. What the Kafka client says itself is for `debug`:
 * what matters of it comes from those that use it.
 */
export function createStackLog(level: string, write: (line: string) => void): Logger {
  const destination = {
    write: (json: string): void => {
      const entry = JSON.parse(json) as LogEntry;
      if (entry.namespace === undefined || level === 'debug') write(textOf(entry));
    },
  };
  return pino({ level, base: {} }, destination);
}

interface LogEntry {
  readonly msg?: string;
  /** Of the Kafka client. */
  readonly namespace?: string;
  readonly component?: string;
  readonly trigger?: string;
  readonly error?: string;
  readonly reason?: string;
  readonly err?: { readonly message?: string };
}

function textOf({ msg = '', component, trigger, error, reason, err }: LogEntry): string {
  const who = [component, trigger].filter((part) => part !== undefined).join(' ');
  const cause = error ?? reason ?? err?.message;
  return `${who === '' ? '' : `${who}: `}${msg}${cause === undefined ? '' : ` (${cause})`}`;
}
