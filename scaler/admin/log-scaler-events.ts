// The scaler's log: JSON lines, secrets redacted by name; and what of the events is worth a line.
import { pino, type DestinationStream, type Logger } from 'pino';
import { describeError, MillraceError } from '../../core/contract/errors.ts';
import { redactedPaths } from '../../core/process/redacted-fields.ts';
import type { LogLevel } from '../../core/process/shared-settings.ts';
import type { ScalerEmitter } from '../scaler-events.ts';

/** Writes to `destination`, standard output when absent. */
export function createScalerLog(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { component: 'scaler' },
    redact: { paths: [...redactedPaths], censor: '[redacted]' },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Logs what changes, not what repeats: a failure once when it begins, and once when it is over. */
export function logScalerEvents(events: ScalerEmitter, log: Logger): void {
  let unreachable = false;
  events.on('polled', (_seconds, triggers, error) => {
    if (error !== undefined && !unreachable) log.warn({ ...fieldsOf(error) }, 'Kafka does not answer');
    if (error === undefined && unreachable) log.info({ triggers }, 'Kafka answers again');
    unreachable = error !== undefined;
  });
  const failing = new Map<string, string>();
  events.on('backlogFailed', (trigger, error) => {
    const fields = fieldsOf(error);
    if (!unreachable && failing.get(trigger) !== fields.error)
      log.warn({ trigger, ...fields }, 'Backlog unknown');
    failing.set(trigger, fields.error);
  });
  events.on('backlog', (trigger, records) => {
    if (records !== undefined && failing.delete(trigger))
      log.info({ trigger, backlog: records.toString() }, 'Backlog known again');
  });
  events.on('activationCalled', (trigger, known) => {
    if (known) log.debug({ trigger }, 'Activation call');
    else log.warn({ trigger }, 'Activation call for an unknown trigger');
  });
  events.on('certificateChanged', (validTo) => log.info({ validTo }, 'New certificate for KEDA'));
  events.on('certificateFailed', (error) =>
    log.warn({ ...fieldsOf(error) }, 'The certificate stays the old one'),
  );
  events.on('streamOpened', (trigger) => log.debug({ trigger }, 'Push stream opened'));
  events.on('streamClosed', (trigger) => log.debug({ trigger }, 'Push stream closed'));
}

function fieldsOf(error: Error): { error: string; code?: string; remedy?: string } {
  const text = describeError(error);
  return error instanceof MillraceError
    ? { error: text, code: error.code, remedy: error.remedy }
    : { error: text };
}
