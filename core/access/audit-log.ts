// What the log has of a door: who did what (`audit`), certificates, and who cannot be known for now.
import type { Logger } from 'pino';
import { describeError } from '../contract/errors.ts';
import type { HttpServerOptions } from './http-server.ts';

/** A cause that lasts is told again after so long, in ms. */
const repeatMs = 60_000;

export function logAccess(
  log: Logger,
): Pick<HttpServerOptions, 'onAudit' | 'onCertificate' | 'onFailed' | 'onUnknown'> {
  // Whatever else is not worth a line there: who changed something is.
  const audit = log.child({}, { level: log.level === 'silent' ? 'silent' : 'info' });
  let told = { reason: '', untilMs: 0 };
  return {
    onAudit: (entry) => audit.info({ audit: entry }, "an operator's action"),
    onCertificate: (change) => {
      if ('validTo' in change) log.info({ validTo: change.validTo }, 'new certificate of the HTTP port');
      else
        log.warn(
          { reason: describeError(change.error) },
          'the certificate of the HTTP port stays the old one',
        );
    },
    onFailed: (error) => log.error({ reason: describeError(error) }, 'a request to the HTTP port failed'),
    onUnknown: (error) => {
      const reason = describeError(error);
      const nowMs = performance.now();
      if (reason === told.reason && nowMs < told.untilMs) return;
      told = { reason, untilMs: nowMs + repeatMs };
      log.warn({ code: 'MILLRACE_ACCESS_UNKNOWN', reason }, 'callers cannot be known for now');
    },
  };
}
