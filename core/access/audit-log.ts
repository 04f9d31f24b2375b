// Logs what an HTTP port reports: audit entries, certificate changes, failed requests, and trouble with the recognizers.
// Audit entries are logged at every level except `silent`.
import type { Logger } from 'pino';
import { errorFields } from '../contract/errors.ts';
import type { HttpServerOptions } from './http-server.ts';

/** While a recognizer keeps failing with the same error, the log repeats it at this interval, in ms. */
const repeatMs = 60_000;

export function logAccess(
  log: Logger,
): Pick<HttpServerOptions, 'onAudit' | 'onCertificate' | 'onFailed' | 'onRecognizerError'> {
  const audit = log.child({}, { level: log.level === 'silent' ? 'silent' : 'info' });
  let lastWarning = { error: '', repeatAtMs: 0 };
  return {
    onAudit: (entry) => audit.info({ audit: entry }, "an operator's action"),
    onCertificate: (change) => {
      if ('validTo' in change) log.info({ validTo: change.validTo }, 'the HTTP port uses a new certificate');
      else
        log.warn(
          errorFields(change.error),
          'the new certificate of the HTTP port cannot be used: the old one stays in use',
        );
    },
    onFailed: (error) => log.error(errorFields(error), 'a request to the HTTP port failed'),
    onRecognizerError: (error) => {
      const fields = errorFields(error);
      const nowMs = performance.now();
      if (fields.error === lastWarning.error && nowMs < lastWarning.repeatAtMs) return;
      lastWarning = { error: fields.error, repeatAtMs: nowMs + repeatMs };
      log.warn(
        { ...fields, code: 'MILLRACE_ACCESS_UNKNOWN' },
        'callers cannot be authenticated or authorized: they get 503',
      );
    },
  };
}
