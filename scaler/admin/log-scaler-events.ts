// What the scaler logs of its events: changes, and nothing that repeats. A failure is logged when it begins and when it is over.
import type { Logger } from 'pino';
import { errorFields } from '../../core/contract/errors.ts';
import type { ScalerEmitter } from '../scaler-events.ts';

export function logScalerEvents(events: ScalerEmitter, log: Logger): void {
  let isUnreachable = false;
  events.on('polled', (_seconds, triggers, error) => {
    if (error !== undefined && !isUnreachable) log.warn(errorFields(error), 'Kafka does not answer');
    if (error === undefined && isUnreachable) log.info({ triggers }, 'Kafka answers again');
    isUnreachable = error !== undefined;
  });
  const failing = new Map<string, string>();
  events.on('backlogFailed', (trigger, error) => {
    const fields = errorFields(error);
    if (!isUnreachable && failing.get(trigger) !== fields.error)
      log.warn({ trigger, ...fields }, 'backlog unknown');
    failing.set(trigger, fields.error);
  });
  events.on('backlog', (trigger, records) => {
    if (records !== undefined && failing.delete(trigger))
      log.info({ trigger, backlog: records.toString() }, 'backlog known again');
  });
  events.on('activationCalled', (trigger, known) => {
    if (known) log.debug({ trigger }, 'a gateway asked to wake the function');
    else log.warn({ trigger }, 'a gateway asked to wake the function of an unknown trigger');
  });
  events.on('certificateChanged', (validTo) => log.info({ validTo }, 'the gRPC port uses a new certificate'));
  events.on('certificateFailed', (error) =>
    log.warn(
      errorFields(error),
      'the new certificate of the gRPC port cannot be used: the old one stays in use',
    ),
  );
  events.on('streamOpened', (trigger) => log.debug({ trigger }, 'KEDA opened a push stream'));
  events.on('streamClosed', (trigger) => log.debug({ trigger }, 'the push stream to KEDA closed'));
}
