import t from 'tap';
import { createLog } from '../../../core/process/log.ts';
import type { AuditEntry } from '../../../core/access/http-server.ts';
import { logAccess } from '../../../core/access/audit-log.ts';
import { mark, planted } from '../../fixtures/secrets/planted.ts';

function listen(level: string) {
  const lines: string[] = [];
  return { handlers: logAccess(createLog(level, { write: (line) => void lines.push(line) })), lines };
}

const entry: AuditEntry = {
  kind: 'asked',
  caller: 'ada',
  address: '10.1.2.3',
  action: 'POST /v1/triggers/:namespace/:name/skip',
  parameters: { namespace: 'geo', name: 'alerts', offset: '7', token: planted('parameter') },
  status: undefined,
};

t.test('audit entries are logged at every level, without secrets', async (t) => {
  for (const level of ['debug', 'info', 'warn', 'error']) {
    const { handlers, lines } = listen(level);
    handlers.onAudit(entry);
    t.match(JSON.parse(lines[0] ?? ''), { audit: { caller: 'ada', parameters: { offset: '7' } } }, level);
    t.notMatch(lines.join(), mark);
  }
  const { handlers, lines } = listen('silent');
  handlers.onAudit(entry);
  t.strictSame(lines, [], 'except at the level silent');
});

t.test('trouble with the recognizers is logged once for each cause', async (t) => {
  const { handlers, lines } = listen('info');
  const away = new Error('the API server does not say whose token this is', {
    cause: new Error('ECONNREFUSED'),
  });
  for (const error of [away, away, new Error('another'), away]) handlers.onRecognizerError(error);
  t.strictSame(
    lines.map((line) => (JSON.parse(line) as { error: string }).error),
    [
      'the API server does not say whose token this is: ECONNREFUSED',
      'another',
      'the API server does not say whose token this is: ECONNREFUSED',
    ],
  );
});

t.test(
  'certificates that change, certificates that cannot be used, and requests that fail are logged',
  async (t) => {
    const { handlers, lines } = listen('info');
    handlers.onCertificate({ validTo: 'Nov 28 2036' });
    handlers.onCertificate({ error: new Error('cannot use the TLS files tls.crt') });
    handlers.onFailed(new Error('broken'));
    t.match(
      lines.map((line) => JSON.parse(line) as object),
      [
        { level: 30, validTo: 'Nov 28 2036' },
        { level: 40, error: 'cannot use the TLS files tls.crt' },
        { level: 50, error: 'broken' },
      ],
    );
  },
);
