// What the scaler logs of its events: changes, and nothing that repeats. A failure is logged when it begins and when it is over.
import type { Logger } from 'pino';
import { errorFields } from '../../core/contract/errors.ts';
import type { ScalerEmitter } from '../scaler-events.ts';

export function logScalerEvents(events: ScalerEmitter, log: Logger): void {
  /** Why a whole cluster does not answer: said once for the cluster, not for each of its triggers. */
  const ofClusters = new WeakSet<Error>();
  events.on('polled', ({ brokers, error, isTurn }) => {
    if (error !== undefined) ofClusters.add(error);
    if (!isTurn) return;
    const cluster = brokers.join(',');
    if (error !== undefined) log.warn({ cluster, ...errorFields(error) }, 'Kafka does not answer');
    else log.info({ cluster, recovered: true }, 'Kafka answers again');
  });
  const failing = new Map<string, string>();
  events.on('backlogFailed', (trigger, error) => {
    const fields = errorFields(error);
    const isOfCluster = error.cause instanceof Error && ofClusters.has(error.cause);
    if (!isOfCluster && failing.get(trigger) !== fields.error)
      log.warn({ trigger, ...fields }, 'backlog unknown');
    failing.set(trigger, fields.error);
  });
  const unkept = new Map<string, string>();
  events.on('progressKept', (trigger, error) => {
    if (error === undefined) {
      if (unkept.delete(trigger))
        log.info({ trigger, recovered: true }, 'the progress of the trigger is kept');
      return;
    }
    const fields = errorFields(error);
    if (unkept.get(trigger) !== fields.error)
      log.warn(
        { trigger, ...fields },
        'nobody reads the trigger, and its progress cannot be kept: brokers forget it after their offsets.retention.minutes',
      );
    unkept.set(trigger, fields.error);
  });
  events.on('forgotten', (trigger) => void (failing.delete(trigger), unkept.delete(trigger)));
  events.on('backlog', (trigger, records) => {
    if (records !== undefined && failing.delete(trigger))
      log.info({ trigger, backlog: records.toString(), recovered: true }, 'backlog known again');
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
